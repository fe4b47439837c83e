# Values that another root has recorded.
data "terraform_remote_state" "other" {
  backend = "local"
  config = {
    path = "${path.module}/other.tfstate"
  }
  defaults = {
    absent = "default"
  }
}

resource "terraform_data" "uses" {
  input = {
    vpc     = data.terraform_remote_state.other.outputs.vpc_id
    subnets = [for name in data.terraform_remote_state.other.outputs.subnets : upper(name)]
    absent  = data.terraform_remote_state.other.outputs.absent
    known   = "beside"
  }
}

resource "terraform_data" "each" {
  for_each = toset(data.terraform_remote_state.other.outputs.subnets)
  input    = each.key
}
