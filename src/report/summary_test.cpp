#include "report/summary.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

SendSituation situation() {
  SendSituation sends;
  sends.in_flight = 4;
  sends.messages = sends.messages_max = 10;
  sends.batches = 100;
  sends.written = 1000;
  sends.figures.requests = 100;
  return sends;
}

TEST(SendAdvice, more_on_their_way_where_batches_are_as_large_as_the_service_takes) {
  SendSituation sends = situation();
  EXPECT_EQ(advice_on_sends(sends).view(),
            "output.in_flight 4 -> 16 asks for more at once; each batch takes memory and a connection");
  sends.in_flight = 20;
  EXPECT_TRUE(advice_on_sends(sends).view().starts_with("output.in_flight 20 -> 64 ")) << advice_on_sends(sends).view();
}

TEST(SendAdvice, larger_batches_first_where_the_service_takes_them) {
  SendSituation sends = situation();
  sends.messages_max = 500;
  EXPECT_EQ(advice_on_sends(sends).view(), "batch.records 10 -> 40 needs fewer requests");
  sends.messages_max = 25;
  EXPECT_EQ(advice_on_sends(sends).view(), "batch.records 10 -> 25 needs fewer requests");
  sends.written = 300;  // bytes cut them
  EXPECT_TRUE(advice_on_sends(sends).view().starts_with("output.in_flight")) << advice_on_sends(sends).view();
}

TEST(SendAdvice, none_where_no_setting_helps) {
  SendSituation sends = situation();
  sends.rate = 500;
  EXPECT_TRUE(advice_on_sends(sends).empty());
  sends = situation();
  sends.in_order = true;
  EXPECT_TRUE(advice_on_sends(sends).empty());
  sends = situation();
  sends.in_flight = 64;
  EXPECT_TRUE(advice_on_sends(sends).empty());
  sends = situation();
  sends.batches = 10;
  EXPECT_TRUE(advice_on_sends(sends).empty());
}

TEST(SendAdvice, a_service_that_throttles_is_the_limit) {
  SendSituation sends = situation();
  sends.figures.throttled = 11;
  EXPECT_EQ(advice_on_sends(sends).view(), "the service asked for less in 11 of 100 answers: it is the limit");
}

}  // namespace
}  // namespace weir
