variable "region" {
  description = "The home region of the shop."
  type        = string
  default     = "eu-central-1"
}

variable "environment" {
  description = "Name of the environment; part of every name."
  type        = string
  default     = "demo"
}

variable "image_id" {
  description = "Machine image of the web servers. The default is one that the emulator knows."
  type        = string
  default     = "ami-12c6146b"
}

variable "n_web_servers" {
  description = "How many web servers there are."
  type        = number
  default     = 2
}

variable "database_password" {
  description = "Password of the shop's database. The default is a planted value that no report may ever print."
  type        = string
  sensitive   = true
  default     = "planted-secret-never-print-me"
}

locals {
  name = "shop-${var.environment}"

  default_tags = {
    Environment = var.environment
    Project     = "shop"
  }
}
