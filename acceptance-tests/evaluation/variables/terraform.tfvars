from_tfvars      = "tfvars"
from_tfvars_json = "tfvars"
from_auto        = "tfvars"
from_file        = "tfvars"
converted = {
  number = "17"
  text   = 12.50
  flag   = "true"
  set    = ["b", "a", "b"]
  list   = ["x", 2, false]
  map    = { one = 1, yes = true }
  tuple  = [1, "2"]
}
optional = {
  name  = "first"
  ports = [{ number = 80 }, { number = "443", protocol = null, ranges = [] }]
}
not_nullable = null
nullable     = null
