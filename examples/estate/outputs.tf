output "queue_urls" {
  description = "URL of each service's work queue."
  value       = { for name, service in module.service : name => service.queue_url }
}

output "web_server_ids" {
  description = "Ids of the web servers."
  value       = aws_instance.web[*].id
}
