#include "delivery/aws_delivery.hpp"

namespace weir {

bool is_fault_of_content(unsigned status, std::string_view code) {
  if (status == 413) return true;
  if (status != 400) return false;
  constexpr std::string_view kCodes[] = {
      "ValidationException",
      "ValidationError",
      "SerializationException",
      "InvalidParameter",
      "InvalidParameterException",
      "InvalidParameterValue",
      "InvalidParameterValueException",
      "InvalidParameterCombination",
      "InvalidArgumentException",
      "InvalidMessageContents",
      "InvalidRequestContentException",
      "InvalidAttributeValue",
      "BatchRequestTooLong",
      "AWS.SimpleQueueService.BatchRequestTooLong",
      "RequestTooLargeException",
      "RequestEntityTooLargeException",
      "ItemCollectionSizeLimitExceededException",
      "MalformedDetail",
  };
  for (const std::string_view known : kCodes) {
    if (known == code) return true;
  }
  return false;
}

}  // namespace weir
