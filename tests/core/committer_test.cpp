// SPDX-License-Identifier: MIT
// How many syncs it takes when many threads want one.
#include "core/store/committer.hpp"

#include <chrono>
#include <future>
#include <thread>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(committer)

using std::chrono::milliseconds;

/// Nothing but a sync that takes its time.
class SlowFile : public File {
 public:
  Result<size_t> read(uint64_t, std::span<char>) const override { return size_t{0}; }
  Status write(uint64_t, std::span<const iovec>) override { return ok(); }
  Status sync() override {
    std::this_thread::sleep_for(milliseconds(40));
    return ok();
  }
  Status truncate(uint64_t) override { return ok(); }
  Result<uint64_t> size() const override { return uint64_t{0}; }
};

struct Fixture {
  const Logger silent;
  Health health{silent};
  std::atomic<uint64_t> end{0};
  const std::shared_ptr<File> file = std::make_shared<SlowFile>();
  Committer committer{health, [this] { return LogTail{end, {file}}; }, milliseconds(0)};

  /// Each of `threads` appends and syncs so many `times`.
  void run(int threads, int times) {
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (int i = 0; i < times; ++i) {
          if (!committer.sync(++end).has_value()) std::abort();
        }
      });
    }
    for (auto& thread : running) thread.join();
  }
};

BOOST_FIXTURE_TEST_CASE(threads_that_sync_in_a_loop_share_each_sync, Fixture) {
  run(8, 12);
  BOOST_TEST(committer.requests() == 8u * 12u);
  BOOST_TEST(committer.syncs() <= 18u);  // 24 in two groups that take turns
}

BOOST_FIXTURE_TEST_CASE(queued_requests_share_as_well, Fixture) {
  std::atomic<int> answered{0};
  run(1, 1);  // it knows how long one takes
  for (int i = 0; i < 50; ++i) {
    committer.sync_async(++end, [&](const Status& status) {
      if (status.has_value()) ++answered;
    });
  }
  while (answered < 50) std::this_thread::sleep_for(milliseconds(1));
  BOOST_TEST(committer.requests() == 51u);
  BOOST_TEST(committer.syncs() <= 4u);
}

BOOST_FIXTURE_TEST_CASE(no_sync_succeeds_after_one_that_failed, Fixture) {
  // Although somebody else has made it durable meanwhile: who heard of a failure would take the
  // later success for the disk's being well.
  end = 1;
  committer.durable_up_to(1);
  BOOST_TEST(committer.sync(1).has_value());
  (void)health.latch(Error{Errc::kIo}, "a sync failed");
  BOOST_TEST(!committer.sync(1).has_value());
  std::promise<bool> answer;
  committer.sync_async(1, [&](const Status& status) { answer.set_value(status.has_value()); });
  BOOST_TEST(!answer.get_future().get());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
