# Objects that arrive in a bucket start a state machine, which calls the function until its result says "done": jobs of any length, each step to be seen.

module "function" {
  source       = "../function"
  name         = var.name
  raw_bucket   = var.raw_bucket
  clean_bucket = var.clean_bucket
  prefix       = var.prefix
  package      = var.package
  architecture = var.architecture
  layers       = var.layers
  # The result has the cursor that the next call begins with.
  environment = { WEIR_SET_LAMBDA__CONTINUE = "return" }
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

# ---- the loop ------------------------------------------------------------------------------------------------------------

resource "aws_sfn_state_machine" "loop" {
  name     = var.name
  type     = "STANDARD"
  role_arn = aws_iam_role.loop.arn
  definition = jsonencode({
    StartAt = "Process"
    States = {
      Process = {
        Type     = "Task"
        Resource = "arn:${data.aws_partition.current.partition}:states:::lambda:invoke"
        Parameters = {
          FunctionName = module.function.arn
          "Payload.$"  = "$"
        }
        OutputPath     = "$.Payload"
        TimeoutSeconds = 930
        Retry = [{
          ErrorEquals = [
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
            "Lambda.Unknown",
            "Sandbox.Timedout",
            "States.Timeout",
            "Weir.Unavailable",
            "Weir.Fenced",
          ]
          IntervalSeconds = 2
          BackoffRate     = 2
          MaxDelaySeconds = 300
          MaxAttempts     = 6
        }]
        Next = "Done"
      }
      Done = {
        Type    = "Choice"
        Choices = [{ Variable = "$.done", BooleanEquals = true, Next = "Processed" }]
        Default = "Process"
      }
      Processed = { Type = "Succeed" }
    }
  })
}

data "aws_iam_policy_document" "assume" {
  for_each = toset(["states", "events"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.value}.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "loop" {
  name               = "${var.name}-loop"
  assume_role_policy = data.aws_iam_policy_document.assume["states"].json
}

data "aws_iam_policy_document" "loop" {
  statement {
    sid       = "CallFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.function.arn]
  }
}

resource "aws_iam_role_policy" "loop" {
  name   = "loop"
  role   = aws_iam_role.loop.id
  policy = data.aws_iam_policy_document.loop.json
}

# ---- what starts it ------------------------------------------------------------------------------------------------------

resource "aws_s3_bucket_notification" "objects" {
  bucket      = module.function.raw_bucket
  eventbridge = true
}

resource "aws_cloudwatch_event_rule" "objects" {
  name = var.name
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.raw_bucket] }
      object = { key = [{ prefix = var.prefix }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "loop" {
  rule     = aws_cloudwatch_event_rule.objects.name
  arn      = aws_sfn_state_machine.loop.arn
  role_arn = aws_iam_role.rule.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 5
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_iam_role" "rule" {
  name               = "${var.name}-rule"
  assume_role_policy = data.aws_iam_policy_document.assume["events"].json
}

data "aws_iam_policy_document" "rule" {
  statement {
    sid       = "StartLoop"
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.loop.arn]
  }
}

resource "aws_iam_role_policy" "rule" {
  name   = "start"
  role   = aws_iam_role.rule.id
  policy = data.aws_iam_policy_document.rule.json
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest
  sqs_managed_sse_enabled   = true
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "RuleKeepsWhatItCouldNotStart"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.objects.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.dead_letters.json
}

output "state_machine" {
  value = aws_sfn_state_machine.loop.arn
}

output "dead_letters" {
  description = "Events that could not start the state machine."
  value       = aws_sqs_queue.dead_letters.id
}
