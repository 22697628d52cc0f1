# Objects that arrive in a bucket go through a queue to the function, each through the pipeline. A job that does not end in one invocation goes on by a
# message to the same queue.

module "function" {
  source       = "../function"
  name         = var.name
  raw_bucket   = var.raw_bucket
  clean_bucket = var.clean_bucket
  prefix       = var.prefix
  package      = var.package
  architecture = var.architecture
  layers       = var.layers
}

data "aws_caller_identity" "current" {}

resource "aws_sqs_queue" "queue" {
  name                       = var.name
  message_retention_seconds  = 345600 # 4 days
  visibility_timeout_seconds = 6 * module.function.timeout
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest
  sqs_managed_sse_enabled   = true
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "BucketTellsOfObjects"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.queue.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [module.function.raw_bucket_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "queue" {
  queue_url = aws_sqs_queue.queue.id
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_s3_bucket_notification" "objects" {
  bucket = module.function.raw_bucket
  queue {
    queue_arn     = aws_sqs_queue.queue.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.prefix
  }
  depends_on = [aws_sqs_queue_policy.queue]
}

data "aws_iam_policy_document" "messages" {
  statement {
    sid       = "TakeMessages"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.queue.arn]
  }
  statement {
    # lambda.continue: requeue; a job that another invocation has at work
    sid       = "GoOnAndGiveBack"
    actions   = ["sqs:SendMessage", "sqs:ChangeMessageVisibility"]
    resources = [aws_sqs_queue.queue.arn]
  }
}

resource "aws_iam_role_policy" "messages" {
  name   = "messages"
  role   = module.function.role
  policy = data.aws_iam_policy_document.messages.json
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn        = aws_sqs_queue.queue.arn
  function_name           = module.function.arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 10
  }
  depends_on = [aws_iam_role_policy.messages]
}

output "queue" {
  value = aws_sqs_queue.queue.id
}

output "dead_letters" {
  description = "What failed five times."
  value       = aws_sqs_queue.dead_letters.id
}
