output "arn" {
  value = aws_lambda_function.function.arn
}

output "name" {
  value = aws_lambda_function.function.function_name
}

output "role" {
  value = aws_iam_role.function.id
}

output "timeout" {
  description = "Seconds."
  value       = local.timeout
}

output "raw_bucket" {
  value = aws_s3_bucket.raw.id
}

output "raw_bucket_arn" {
  value = aws_s3_bucket.raw.arn
}
