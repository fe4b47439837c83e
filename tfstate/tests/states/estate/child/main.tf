resource "terraform_data" "inner" {
  count = 2
  input = count.index
}

module "deeper" {
  source = "./deeper"
  count  = 2
}
