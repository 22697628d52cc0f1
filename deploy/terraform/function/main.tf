# The function with its role, its log and the two buckets; what calls it is queue/ or loop/.

data "aws_partition" "current" {}

locals {
  timeout = 900
  raw     = "arn:${data.aws_partition.current.partition}:s3:::${var.raw_bucket}"
  clean   = "arn:${data.aws_partition.current.partition}:s3:::${var.clean_bucket}"
}

# ---- the function ------------------------------------------------------------------------------------------------------

resource "aws_lambda_function" "function" {
  function_name    = var.name
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = 128
  timeout          = local.timeout
  role             = aws_iam_role.function.arn
  layers           = var.layers

  environment {
    variables = merge({ CLEAN_BUCKET = var.clean_bucket }, var.environment)
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  depends_on = [aws_iam_role_policy.pipeline, aws_iam_role_policy.logs]
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 14
}

# ---- what it may -------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

# What `weir policy deploy/orders.yaml s3://RAW/orders/*` prints; another pipeline has another.
data "aws_iam_policy_document" "pipeline" {
  statement {
    sid       = "ReadInputs"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.raw}/${var.prefix}*"]
  }
  statement {
    sid       = "WriteOutputs"
    actions   = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${local.clean}/large/*/*.ndjson.gz", "${local.clean}/rejects/*/*.ndjson"]
  }
  statement {
    sid       = "FindUploads"
    actions   = ["s3:ListBucketMultipartUploads"]
    resources = [local.clean]
  }
  statement {
    sid       = "KeepState"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${local.clean}/large/*/*.ndjson.gz.weir", "${local.clean}/large/*/*.ndjson.gz.weir.*"]
  }
  statement {
    sid       = "TellMissingFromForbidden1"
    actions   = ["s3:ListBucket"]
    resources = [local.clean]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["large/*", "rejects/*"]
    }
  }
  statement {
    sid       = "TellMissingFromForbidden2"
    actions   = ["s3:ListBucket"]
    resources = [local.raw]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prefix}*"]
    }
  }
}

resource "aws_iam_role_policy" "pipeline" {
  name   = "pipeline"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.pipeline.json
}

data "aws_iam_policy_document" "logs" {
  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }
}

resource "aws_iam_role_policy" "logs" {
  name   = "logs"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.logs.json
}

# ---- the buckets ---------------------------------------------------------------------------------------------------------

resource "aws_s3_bucket" "raw" {
  bucket = var.raw_bucket
}

resource "aws_s3_bucket" "clean" {
  bucket = var.clean_bucket
}

resource "aws_s3_bucket_public_access_block" "private" {
  for_each                = { raw = aws_s3_bucket.raw.id, clean = aws_s3_bucket.clean.id }
  bucket                  = each.value
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "uploads" {
  for_each = { raw = aws_s3_bucket.raw.id, clean = aws_s3_bucket.clean.id }
  bucket   = each.value
  rule {
    id     = "abort-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
