variable "layers" {
  default = {
    core = {}
    edge = { names = ["x", "y", "z"] }
    aged = { size = 0, names = [] }
  }
}
