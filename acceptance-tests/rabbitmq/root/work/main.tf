# An exchange of events, and a queue per kind of work that is bound to it.

terraform {
  required_providers {
    rabbitmq = {
      source = "cyrilgdn/rabbitmq"
    }
  }
}

variable "vhost" {
  type = string
}

variable "queues" {
  description = "The queues' names, each with its routing key."
  type        = map(string)
}

resource "rabbitmq_exchange" "events" {
  name  = "events"
  vhost = var.vhost

  settings {
    type    = "topic"
    durable = true
    arguments = {
      "alternate-exchange" = "unrouted"
    }
  }
}

resource "rabbitmq_exchange" "unrouted" {
  name  = "unrouted"
  vhost = var.vhost

  settings {
    type        = "fanout"
    durable     = true
    auto_delete = false
  }
}

resource "rabbitmq_queue" "this" {
  for_each = var.queues
  name     = "orders-${each.key}"
  vhost    = var.vhost

  settings {
    durable     = true
    auto_delete = false
  }
}

resource "rabbitmq_binding" "this" {
  for_each         = var.queues
  source           = rabbitmq_exchange.events.name
  vhost            = var.vhost
  destination      = rabbitmq_queue.this[each.key].name
  destination_type = "queue"
  routing_key      = each.value
}

resource "rabbitmq_binding" "unrouted" {
  source           = rabbitmq_exchange.unrouted.name
  vhost            = var.vhost
  destination      = rabbitmq_exchange.events.name
  destination_type = "exchange"
  arguments_json   = jsonencode({ "x-why" = "second look" })
}
