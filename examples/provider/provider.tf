terraform {
  required_providers {
    driftmgr = {
      source = "catherinevee/driftmgr"
    }
  }
}

provider "driftmgr" {
  # The states that make up what is managed.
  states = ["terraform.tfstate"]

  # Answers may be this old; older ones are looked up anew.
  max_age = "15m"
}
