variable "name" {
  description = "Of the function and of what belongs to it."
  type        = string
  default     = "large-orders"
}

variable "raw_bucket" {
  description = "The bucket that objects arrive in. It is made here."
  type        = string
}

variable "clean_bucket" {
  description = "The bucket for outputs, rejects and state. It is made here."
  type        = string
}

variable "prefix" {
  description = "Keys of the raw bucket that begin so are processed."
  type        = string
  default     = "orders/"
}

variable "package" {
  description = "The zip: weir package deploy/orders.yaml -o deploy/function.zip"
  type        = string
  default     = "../../function.zip"
}

variable "architecture" {
  description = "The one that the package was made for."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Lambda has arm64 and x86_64."
  }
}

variable "layers" {
  description = "A layer with /opt/bootstrap, where the package is the pipeline alone (weir package --no-bootstrap)."
  type        = list(string)
  default     = []
}
