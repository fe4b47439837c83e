# The functions of the language, each at least once.
locals {
  numeric = {
    abs      = abs(-3.5), ceil = ceil(1.2), floor = floor(-1.2), log = log(16, 2), max = max(1, 3, 2), min = min(4, 2)
    parseint = parseint("ff", 16), pow = pow(2, 10), signum = signum(-9), sum = sum([1, 2.5, 3])
  }
  text = {
    chomp          = chomp("a\n\n"), endswith = endswith("abc", "bc"), format = format("%-5s|%05.1f|%x|%q|%v", "ab", 3.14159, 255, "q", [1, "a"])
    formatlist     = formatlist("%s-%d", ["a", "b"], [1, 2]), indent = indent(2, "a\nb"), join = join("/", ["a", "b"])
    lower          = lower("ÄB"), regex = regex("(?P<year>\\d{4})-(?P<month>\\d\\d)", "on 2024-05-06"), regexall = regexall("[a-c]+", "abxc")
    regex_plain    = regex("b+", "abbc"), regex_list = regex("(a)(x)?", "ab"), replace = replace("a.b.c", ".", "-"), replace_regex = replace("a1b22", "/[0-9]+/", "#")
    split          = split(",", "a,b,,c"), startswith = startswith("abc", "ab"), strcontains = strcontains("abc", "x"), strrev = strrev("abc")
    substr         = substr("hello", 1, 3), substr_end = substr("hello", -3, -1), title = title("two words"), trim = trim("xxaxx", "x")
    trimprefix     = trimprefix("abc", "a"), trimsuffix = trimsuffix("abc", "c"), trimspace = trimspace(" \t a \n"), upper = upper("straße")
    templatestring = templatestring(local.template, { name = "world", list = [1, 2] })
  }
  template = "hello $${name}%%{ for one in list } $${one}%%{ endfor }"
  collection = {
    alltrue      = alltrue([true, "true"]), anytrue = anytrue([false]), chunklist = chunklist([1, 2, 3], 2), coalesce = coalesce("", "a", "b")
    coalescelist = coalescelist([], ["a"]), compact = compact(["a", "", null, "b"]), concat = concat(["a"], [1], [])
    contains     = contains(["a", "b"], "b"), distinct = distinct(["b", "a", "b"]), element = element(["a", "b", "c"], 4)
    flatten      = flatten([["a", ["b"]], [], "c"]), index = index(["a", "b"], "b"), keys = keys({ b = 1, a = 2 }), length = [length("äö"), length({ a = 1 })]
    lookup       = [lookup({ a = "x" }, "a", "y"), lookup({ a = "x" }, "b", "y")], matchkeys = matchkeys(["i-1", "i-2"], ["a", "b"], ["b"])
    merge        = merge({ a = 1, b = 2 }, { b = "x" }, null), one = [one([]), one(["x"])], range = [range(3), range(1, 8, 3), range(4, 1)]
    reverse      = reverse([1, 2, 3]), setintersection = setintersection(["a", "b"], ["b", "c"]), setproduct = setproduct(["a", "b"], [1, 2])
    setsubtract  = setsubtract(["a", "b"], ["b"]), setunion = setunion(["b"], ["a"]), slice = slice(["a", "b", "c"], 1, 3)
    sort         = sort(["b", "A", "a"]), transpose = transpose({ a = ["x", "y"], b = ["y"] }), values = values({ b = 1, a = 2 }), zipmap = zipmap(["a", "b"], [1, 2])
  }
  encoding = {
    base64decode     = base64decode("aGVsbG8="), base64encode = base64encode("hello"), textencodebase64 = textencodebase64("hi", "UTF-16LE")
    textdecodebase64 = textdecodebase64("aABpAA==", "UTF-16LE"), csvdecode = csvdecode("a,b\n1,\"x,y\"\n2,z\n"), jsondecode = jsondecode("{\"a\":[1,null,\"x\"]}")
    jsonencode       = jsonencode({ b = [1, true, null], a = "<&>" }), urlencode = urlencode("a b&c/ü"), yamldecode = yamldecode("a: 1\nb: [x, null, 2024-01-02]\nc: |\n  text\n")
    yamlencode       = yamlencode({ b = ["x", 1, null], a = { c = "multi\nline", d = "yes" } })
  }
  files = {
    abspath_is_absolute = startswith(abspath("."), "/"), basename = basename("a/b.txt"), dirname = dirname("a/b/c.txt"), exists = [fileexists("${path.module}/main.tf"), fileexists("none")]
    file                = file("${path.module}/templates/plain.txt"), base64 = filebase64("templates/plain.txt"), set = fileset(path.module, "templates/**")
    templatefile        = templatefile("${path.module}/templates/page.tftpl", { title = "Page", items = { b = 2, a = 1 } })
    md5                 = filemd5("templates/plain.txt"), sha256 = filesha256("templates/plain.txt"), base64sha256 = filebase64sha256("templates/plain.txt")
  }
  dates = {
    format = formatdate("DD MMM YYYY hh:mm ZZZ", "2024-02-29T13:04:05+02:00"), add = timeadd("2024-02-29T00:00:00Z", "36h30m"), compare = timecmp("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00")
  }
  hashes = {
    base64sha256 = base64sha256("a"), base64sha512 = base64sha512("a"), md5 = md5("a"), sha1 = sha1("a"), sha256 = sha256("a"), sha512 = sha512("a")
    uuidv5       = uuidv5("dns", "example.com")
  }
  network = {
    host   = cidrhost("10.12.112.0/20", 16), host6 = cidrhost("fd00:fd12:3456:7890::/56", 34), netmask = cidrnetmask("172.16.0.0/12")
    subnet = cidrsubnet("10.1.2.0/24", 4, 15), subnets = cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)
  }
  conversion = {
    can      = [can(local.network.host), can(regex("x", "a"))], try = try(local.network.absent, "fallback"), tobool = tobool("true"), tolist = tolist(["a", 1]), tomap = tomap({ a = 1, b = "x" })
    tonumber = tonumber("1.5"), toset = toset(["b", "a", "b"]), tostring = tostring(1.5), type_kept = [1, "a"], nonsensitive = nonsensitive(sensitive("x")), issensitive = issensitive(sensitive("x"))
  }
  never_the_same = { timestamp = timestamp(), uuid = uuid(), plantimestamp = plantimestamp(), bcrypt = bcrypt("x") }
}

resource "terraform_data" "each" {
  for_each = {
    numeric = local.numeric, text = local.text, collection = local.collection, encoding = local.encoding, files = local.files
    dates   = local.dates, hashes = local.hashes, network = local.network, conversion = local.conversion, never_the_same = local.never_the_same
  }
  input = each.value
}

output "secret" {
  value     = sensitive("x")
  sensitive = true
}
