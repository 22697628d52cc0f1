#include "life.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "base/assert.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "testing/sim_disk.hpp"
#include "testing/sim_time.hpp"

namespace weir::sim {
namespace {

using testing::DiskCall;
using testing::DiskFault;
using testing::DiskOp;
using testing::SimClock;
using testing::SimDisk;
using testing::SimWakeup;

constexpr unsigned kFaultyRunsMax = 6;
constexpr unsigned kHealthyRunsMax = 6;
constexpr uint64_t kCallsMax = 100'000;
constexpr uint64_t kNoCall = ~uint64_t{0};

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char room[1000];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(room, sizeof room, pattern, arguments);
  va_end(arguments);
  return room;
}

/// What is to happen to one run.
struct Plan {
  uint64_t crash_at = kNoCall;  ///< number of the call
  DiskFault crash;
  std::optional<DiskOp> fail_op;  ///< the call of this kind ...
  uint64_t fail_at = 0;           ///< ... and number fails
  int fail_error = EIO;
  bool fail_on = false;           ///< and all of the kind after it
  uint64_t second_at = kNoCall;   ///< another run of the job comes at this call
  bool lock_taken_away = false;   ///< before it
  uint64_t second_crash_at = kNoCall;
  uint64_t wall_set_at = kNoCall;
  int64_t wall_by_ns = 0;
  uint64_t frozen_at = kNoCall;
  uint64_t stop_at = kNoCall;     ///< look of the wakeup
  uint64_t deadline_ns = 0;
  uint64_t latency_ns = 0;
  bool short_reads = false;
  bool restart = false;
  std::function<void(Config&)> change;  ///< of the configuration
};

struct Ran {
  bool dead = false;
  Exit exit = Exit::kDone;
  Error error;
  std::string skipped;
  bool limit_reached = false;
  bool built = false;
  Counters counters;
  uint64_t calls = 0;
  uint64_t looks = 0;
  uint64_t wakeup_looks = 0;
  uint64_t took_ns = 0;
  bool struck = false;       ///< an error that was planned came
  bool second_fenced = false;
  bool second_ran = false;
};

struct Machine {
  explicit Machine(SimRng rng)
      : chance(rng.fork()),
        disk(clock, rng.fork(), std::array<int64_t, 4>{1, 1'000'000, 4'000'000, 1'000'000'000}[rng.below(4)]) {}
  SimClock clock;
  SimRng chance;
  SimDisk disk;
};

class Life {
 public:
  Life(uint64_t seed, Tally& tally)
      : rng_(seed), tally_(tally), work_(make_workload(rng_.fork())), machine_(rng_.fork()) {}

  Verdict live() {
    tell(work_.described);
    const bool good = undisturbed() && disturbed() && healthy() && afterwards();
    if (!good && failure_.empty()) failure_ = "?";
    const auto& losses = machine_.disk.losses();
    strike(FaultKind::k_write_lost, losses.writes_lost);
    strike(FaultKind::k_write_torn, losses.writes_torn);
    strike(FaultKind::k_write_kept, losses.writes_kept);
    strike(FaultKind::k_name_lost, losses.names_lost);
    strike(FaultKind::k_name_kept, losses.names_kept);
    return {failure_, story_, machine_.disk.trace()};
  }

 private:
  // --- telling -------------------------------------------------------------------------------------------------------
  void tell(const std::string& line) { story_ += "  " + line + "\n"; }
  bool wrong(const std::string& what) {
    if (failure_.empty()) failure_ = what;
    return false;
  }
  void strike(FaultKind kind, uint64_t times = 1) { tally_.faults[static_cast<size_t>(kind)] += times; }

  void dump(const char* name, const std::string& bytes) {
    const char* folder = std::getenv("WEIR_SIM_DUMP");
    if (folder == nullptr) return;
    if (std::FILE* file = std::fopen((std::string(folder) + "/" + name).c_str(), "wb")) {
      std::fwrite(bytes.data(), 1, bytes.size(), file);
      std::fclose(file);
    }
  }

  // --- a run ---------------------------------------------------------------------------------------------------------
  void put_inputs(Machine& machine) {
    for (const InputFile& input : work_.inputs) machine.disk.put(input.path, input.stored);
    if (!work_.output_was_there) return;
    for (const ExpectedFile& file : work_.outputs) machine.disk.put(file.path, "what was there");
    if (!work_.config.rejects.to.empty()) machine.disk.put(work_.config.rejects.to, "what was there");
  }

  // What may differ from run to run.
  Config config_of_run(Machine& machine) {
    Config config = work_.config;
    SimRng& rng = machine.chance;
    static constexpr uint64_t kWindows[] = {4u << 10, 5000, 8u << 10, 16u << 10, 64u << 10};
    static constexpr uint64_t kEvery[] = {0, 0, 0, 1'000'000, 20'000'000, 10'000'000'000};
    config.input.window = kWindows[rng.below(std::size(kWindows))];
    config.checkpoint.every_ns = kEvery[rng.below(std::size(kEvery))];
    config.memory = rng.percent(50) ? 1u << 30 : 64u << 20;
    return config;
  }

  Ran run(Machine& machine, const Plan& plan, bool second = false) {
    Ran ran;
    SimDisk& disk = machine.disk;
    const int process = disk.new_process();
    const auto outer_faults = std::move(disk.faults);
    const auto outer_cut = std::move(disk.cut_read);
    std::map<DiskOp, uint64_t> of_kind;
    disk.faults = [&](const DiskCall& call) {
      return strike_call(machine, plan, call, of_kind[call.op]++, process, ran);
    };
    if (plan.short_reads) {
      disk.cut_read = [&machine](size_t room) {
        return machine.chance.percent(50) ? machine.chance.between(1, std::min<size_t>(room, 700)) : room;
      };
    }
    SimWakeup wakeup(machine.clock);
    wakeup.stop_at_look(plan.stop_at);
    const std::vector<std::string> shown_before = shown(machine);
    const uint64_t begin = machine.clock.monotonic_ns();
    const uint64_t looks = machine.clock.looks();
    Config config = config_of_run(machine);
    config.checkpoint.restart = plan.restart;
    if (plan.change) plan.change(config);
    {
      Job job(machine.clock, wakeup, disk, Host::kProcess, nullptr);
      job.set_snapshot_every(machine.chance.percent(70) ? machine.chance.between(1, 20'000) : 1u << 20);
      Status status = job.prepare(config);
      if (status && !job.fits()) status = fail(job.refusal());
      if (status) status = job.build();
      if (status) {
        ran.built = true;
        ran.skipped = job.skipped();
        checkpoint_name_ = job.checkpoint_name();
        Outcome outcome;
        if (ran.skipped.empty()) {
          Deadline deadline;
          if (plan.deadline_ns != 0) deadline.at_ns = begin + plan.deadline_ns;
          outcome = job.run(deadline, nullptr);
          unseal();
        }
        ran.limit_reached = outcome.limit_reached;
        switch (outcome.ending) {
          case Ending::kDone:
            break;
          case Ending::kReaderGone:
            status = fail(Code::kInternal, "reader gone");
            break;
          case Ending::kInterrupted:
            status = fail(Code::kInterrupted);
            break;
          case Ending::kCheckpointed:
            status = fail(Code::kCheckpointed);
            break;
          case Ending::kFailed:
            status = fail(outcome.error);
            break;
        }
      }
      ran.counters = job.counters();
      if (!status) {
        ran.error = status.error();
        ran.exit = ran.error.exit();
      }
    }
    disk.enter(process);
    ran.dead = disk.is_dead();
    ran.calls = disk.calls();
    ran.looks = machine.clock.looks() - looks;
    ran.wakeup_looks = wakeup.looks();
    ran.took_ns = machine.clock.monotonic_ns() - begin;
    ++tally_.runs;
    tally_.calls += ran.calls;
    if (!ran.dead) ++tally_.exits[static_cast<size_t>(ran.exit)];
    disk.faults = outer_faults;
    disk.cut_read = outer_cut;
    std::string line = second ? "  second run: " : "run: ";
    line += ran.dead ? "dead" : format("exit %u", static_cast<unsigned>(ran.exit));
    if (!ran.dead && !ran.error.ok()) {
      line += format(" W%u %.*s", static_cast<unsigned>(ran.error.code),
                     static_cast<int>(ran.error.detail.view().size()), ran.error.detail.view().data());
    }
    if (!ran.skipped.empty()) line += " " + ran.skipped;
    tell(line + format(", %llu calls", static_cast<unsigned long long>(ran.calls)));
    // Only a power cut may take back what was shown: a name that was not durable yet.
    if (!(ran.dead && plan.crash.power)) {
      for (const std::string& name : shown_before) {
        if (!disk.content(name)) wrong("it was shown, and is gone: " + name);
      }
    }
    if (!ran.dead && disk.open_files(process) != 0) wrong("a run left descriptors open");
    if (!ran.dead && ran.exit == Exit::kInternal) wrong("internal error");
    return ran;
  }

  std::vector<std::string> shown(const Machine& machine) const {
    std::vector<std::string> names;
    for (const ExpectedFile& file : work_.outputs) {
      if (machine.disk.content(file.path)) names.push_back(file.path);
    }
    const std::string& rejects = work_.config.rejects.to;
    if (!rejects.empty() && machine.disk.content(rejects)) names.push_back(rejects);
    return names;
  }

  // What becomes of a call.
  DiskFault strike_call(Machine& machine, const Plan& plan, const DiskCall& call, uint64_t of_kind, int process,
                        Ran& ran) {
    WEIR_ASSERT(call.number < kCallsMax);  // a run that does not end
    if (plan.latency_ns != 0) machine.clock.pass(machine.chance.below(plan.latency_ns));
    if (call.number == plan.wall_set_at) {
      machine.clock.set_wall(machine.clock.wall_ns() + static_cast<uint64_t>(plan.wall_by_ns));
      strike(FaultKind::k_wall_clock_set);
    }
    if (call.number == plan.frozen_at) {
      machine.clock.pass(3'600'000'000'000);
      strike(FaultKind::k_machine_frozen);
    }
    if (call.number == plan.second_at) {
      run_second(machine, plan, ran);
      machine.disk.enter(process);
      if (machine.disk.is_dead()) return {};
    }
    if (plan.fail_op == call.op && (of_kind == plan.fail_at || (plan.fail_on && of_kind > plan.fail_at))) {
      ran.struck = true;
      strike_failure(call.op);
      if (plan.fail_on) strike(FaultKind::k_fails_from_then_on);
      if (plan.fail_error == EMFILE) strike(FaultKind::k_descriptors_used_up);
      if (plan.fail_error == ENOSPC) strike(FaultKind::k_disk_full);
      tell(format("call %llu, %s of %.*s, fails with %d", static_cast<unsigned long long>(call.number),
                  disk_op_name(call.op), static_cast<int>(call.path.size()), call.path.data(), plan.fail_error));
      DiskFault fault;
      fault.kind = DiskFault::Kind::kError;
      fault.error = plan.fail_error;
      return fault;
    }
    if (call.number != plan.crash_at) return {};
    using Kind = DiskFault::Kind;
    const bool power = plan.crash.power;
    strike(plan.crash.kind == Kind::kBefore
               ? power ? FaultKind::k_power_lost_before_call : FaultKind::k_killed_before_call
           : plan.crash.kind == Kind::kMidway ? power ? FaultKind::k_power_lost_midway : FaultKind::k_killed_midway
           : power                            ? FaultKind::k_power_lost_after_call
                                              : FaultKind::k_killed_after_call);
    tell(format("%s %s call %llu, %s of %.*s", power ? "power lost" : "killed",
                plan.crash.kind == Kind::kBefore   ? "before"
                : plan.crash.kind == Kind::kMidway ? "midway in"
                                                   : "after",
                static_cast<unsigned long long>(call.number), disk_op_name(call.op), static_cast<int>(call.path.size()),
                call.path.data()));
    return plan.crash;
  }

  void strike_failure(DiskOp op) {
    switch (op) {
      case DiskOp::kInfo:
        return strike(FaultKind::k_info_failed);
      case DiskOp::kReadable:
        return strike(FaultKind::k_unreadable);
      case DiskOp::kOpenToRead:
        return strike(FaultKind::k_open_to_read_failed);
      case DiskOp::kOpenToWrite:
        return strike(FaultKind::k_open_to_write_failed);
      case DiskOp::kRead:
        return strike(FaultKind::k_read_failed);
      case DiskOp::kAppend:
        return strike(FaultKind::k_append_failed);
      case DiskOp::kTruncate:
        return strike(FaultKind::k_truncate_failed);
      case DiskOp::kSync:
        return strike(FaultKind::k_sync_failed);
      case DiskOp::kSyncFolder:
        return strike(FaultKind::k_sync_folder_failed);
      case DiskOp::kLock:
        return strike(FaultKind::k_lock_failed);
      case DiskOp::kRename:
        return strike(FaultKind::k_rename_failed);
      case DiskOp::kLink:
        return strike(FaultKind::k_link_failed);
      case DiskOp::kRemove:
        return strike(FaultKind::k_remove_failed);
      case DiskOp::kMakeFolders:
        return strike(FaultKind::k_make_folders_failed);
      case DiskOp::kClose:
        return;
    }
  }

  void run_second(Machine& machine, const Plan& plan, Ran& first) {
    SimDisk& disk = machine.disk;
    const std::string lock = checkpoint_name_ + ".lock";
    const bool held = disk.is_locked(lock);
    if (plan.lock_taken_away && held) {
      disk.erase(lock);
      strike(FaultKind::k_lock_taken_away);
      tell("somebody takes the lock file away");
    }
    Plan second;
    second.crash_at = plan.second_crash_at;
    second.crash.kind = DiskFault::Kind::kBefore;
    const uint64_t changes = disk.changes();
    const Ran ran = run(machine, second, true);
    first.second_ran = true;
    ++runs_;  // it counts as one to the job, too
    if (ran.dead) return;
    if (ran.exit == Exit::kFenced) {
      first.second_fenced = true;
      strike(FaultKind::k_second_run_fenced);
      if (held && !plan.lock_taken_away && disk.changes() != changes) wrong("a run that was fenced changed something");
    } else if (held && !plan.lock_taken_away) {
      wrong(format("two runs at once: the second ended with %u", static_cast<unsigned>(ran.exit)));
    } else {
      strike(FaultKind::k_second_run_before);
      if (ran.exit != Exit::kDone &&
          !(plan.lock_taken_away && (ran.exit == Exit::kStuck || ran.exit == Exit::kCheckpointInvalid)) &&
          !(runs_ >= 3 && ran.exit == Exit::kStuck) && !may_be_invalid_) {
        wrong(format("the second run ended with %u", static_cast<unsigned>(ran.exit)));
      }
    }
  }

  // --- laws ----------------------------------------------------------------------------------------------------------

  bool holds(const std::string& path, CodecChoice codec, const std::string& text, std::string_view stored,
             const char* what) {
    std::string found;
    if (!uncompress(codec, stored, found)) return wrong(format("%s %s is not a whole stream", what, path.c_str()));
    if (found == text) return true;
    size_t at = 0;
    while (at < found.size() && at < text.size() && found[at] == text[at]) ++at;
    return wrong(format("%s %s differs at byte %zu (%zu bytes, expected %zu): '%.60s' for '%.60s'", what, path.c_str(),
                        at, found.size(), text.size(), found.substr(at).c_str(), text.substr(at).c_str()));
  }

  // L3: what is visible is complete; and none is shown before the rejects.
  bool visible_is_complete(Machine& machine) {
    bool shown = false;
    for (const ExpectedFile& file : work_.outputs) {
      const auto there = machine.disk.content(file.path);
      if (!there || (work_.output_was_there && *there == "what was there")) continue;
      shown = true;
      if (*there != stored_[file.path]) {
        dump("found", *there), dump("expected", stored_[file.path]);
        return wrong("visible, but not complete: " + file.path);
      }
    }
    const std::string& rejects = work_.config.rejects.to;
    if (!rejects.empty()) {
      const auto there = machine.disk.content(rejects);
      const bool old = there && work_.output_was_there && *there == "what was there";
      if (there && !old && *there != stored_[rejects]) {
        dump("found", *there), dump("expected", stored_[rejects]);
        return wrong("visible, but not complete: " + rejects);
      }
      if (shown && !work_.folder && (!there || old)) return wrong("the output is shown before its rejects");
    }
    for (const std::string& name : machine.disk.names()) {
      const bool known = std::any_of(work_.outputs.begin(), work_.outputs.end(),
                                     [&](const ExpectedFile& file) { return file.path == name; });
      if (!known && work_.folder && name.starts_with("out/part-0") && name.ends_with(".dat"))
        return wrong("a file that should not be: " + name);
    }
    return true;
  }

  bool done_right(Machine& machine, const Ran& ran) {
    for (const ExpectedFile& file : work_.outputs) {
      const auto there = machine.disk.content(file.path);
      if (!there) return wrong("done, but not there: " + file.path);
      if (!stored_.contains(file.path)) {
        if (!holds(file.path, work_.output_codec, file.text, *there, "output")) return false;
        stored_[file.path] = *there;
      } else if (*there != stored_[file.path]) {
        return wrong("done, and other bytes than an undisturbed run's: " + file.path);
      }
    }
    const std::string& rejects = work_.config.rejects.to;
    if (!rejects.empty()) {
      const auto there = machine.disk.content(rejects);
      if (!there) return wrong("done, but not there: " + rejects);
      if (!stored_.contains(rejects)) {
        std::string text;
        if (!uncompress(work_.rejects_codec, *there, text)) return wrong("the rejects are not a whole stream");
        const auto found = parse_rejects(text);
        for (size_t i = 0; i < std::max(found.size(), work_.rejects.size()); ++i) {
          const ExpectedReject a = i < found.size() ? found[i] : ExpectedReject{};
          const ExpectedReject b = i < work_.rejects.size() ? work_.rejects[i] : ExpectedReject{};
          if (a == b) continue;
          return wrong(format(
              "reject %zu is W%u %s byte %llu record %llu size %llu, expected W%u %s byte %llu record %llu size %llu",
              i, a.code, a.source.c_str(), static_cast<unsigned long long>(a.byte),
              static_cast<unsigned long long>(a.record), static_cast<unsigned long long>(a.size), b.code,
              b.source.c_str(), static_cast<unsigned long long>(b.byte), static_cast<unsigned long long>(b.record),
              static_cast<unsigned long long>(b.size)));
        }
        stored_[rejects] = *there;
      } else if (*there != stored_[rejects]) {
        return wrong("done, and other rejects than an undisturbed run's");
      }
    }
    for (const std::string& name : machine.disk.names()) {
      if (!remove_failed_ && !left_by_dead_ && !zombie_ &&
          (name.ends_with(".part") || name.ends_with(".new") || name.ends_with(".lock"))) {
        return wrong("left behind: " + name);
      }
    }
    if (!ran.skipped.empty()) return true;
    const Counters& c = ran.counters;
    if (c.read != work_.read || c.written != work_.written || c.folded != work_.folded ||
        c.filtered != work_.filtered || c.rejected != work_.rejected) {
      return wrong(format(
          "counters: read %llu written %llu folded %llu filtered %llu rejected %llu, expected %llu %llu %llu %llu %llu",
          static_cast<unsigned long long>(c.read), static_cast<unsigned long long>(c.written),
          static_cast<unsigned long long>(c.folded), static_cast<unsigned long long>(c.filtered),
          static_cast<unsigned long long>(c.rejected), static_cast<unsigned long long>(work_.read),
          static_cast<unsigned long long>(work_.written), static_cast<unsigned long long>(work_.folded),
          static_cast<unsigned long long>(work_.filtered), static_cast<unsigned long long>(work_.rejected)));
    }
    return true;
  }

  bool inputs_untouched(Machine& machine) {
    for (const InputFile& input : work_.inputs) {
      if (machine.disk.content(input.path) != input.stored) return wrong("an input was changed: " + input.path);
    }
    return true;
  }

  // --- phases --------------------------------------------------------------------------------------------------------

  bool undisturbed() {
    Machine machine(rng_.fork());
    machine.clock.set_step(1000);
    put_inputs(machine);
    usual_ = run(machine, Plan{});
    if (usual_.exit != Exit::kDone) return wrong("an undisturbed run failed");
    return done_right(machine, usual_) && inputs_untouched(machine);
  }

  uint64_t some_call() {
    SimRng& rng = rng_;
    const uint64_t chance = rng.below(10);
    const uint64_t calls = usual_.calls + 20;
    if (chance < 6) return rng.below(calls + calls / 4);
    if (chance < 8) return rng.below(60);
    return calls - std::min<uint64_t>(calls, rng.below(60));
  }

  Plan crash_plan() {
    Plan plan;
    plan.crash_at = some_call();
    static constexpr DiskFault::Kind kKinds[] = {DiskFault::Kind::kBefore, DiskFault::Kind::kMidway,
                                                 DiskFault::Kind::kAfter};
    plan.crash.kind = kKinds[rng_.below(3)];
    plan.crash.power = rng_.percent(65);
    return plan;
  }

  void add_side_effects(Plan& plan) {
    if (rng_.percent(30)) {
      plan.short_reads = true;
      strike(FaultKind::k_short_reads);
    }
    if (rng_.percent(30)) {
      plan.latency_ns = rng_.percent(50) ? 100'000 : 80'000'000;
      if (plan.latency_ns > 1'000'000) strike(FaultKind::k_slow_disk);
    }
    if (rng_.percent(10)) {
      plan.wall_set_at = rng_.below(usual_.calls);
      plan.wall_by_ns = (rng_.percent(50) ? 1 : -1) * static_cast<int64_t>(rng_.between(1, 3'600'000'000'000));
    }
    if (rng_.percent(5)) plan.frozen_at = rng_.below(usual_.calls);
    plan.restart = restart_wanted_;
  }

  bool disturbed() {
    machine_.clock.set_step(1000);
    put_inputs(machine_);
    const unsigned runs = 1 + static_cast<unsigned>(rng_.below(kFaultyRunsMax));
    for (unsigned i = 0; i < runs && !done_; ++i) {
      if (!disturbed_run()) return false;
    }
    return true;
  }

  bool disturbed_run() {
    const uint64_t chance = rng_.below(100);
    if (chance < 42) return run_with(crash_plan());
    if (chance < 60) return run_with(failure_plan());
    if (chance < 72) return run_with(stop_plan());
    if (chance < 80) return run_with(second_plan());
    if (chance < 82) return run_too_small();
    if (chance < 85) return run_with_few_rejects();
    if (chance < 91) return run_with_changed_source();
    if (chance < 93) return run_with_other_job();
    if (chance < 98) return run_with_damage();
    if (chance < 99) return run_begun_anew();
    return run_with(Plan{});
  }

  Plan failure_plan() {
    Plan plan = rng_.percent(25) ? crash_plan() : Plan{};
    static constexpr DiskOp kOps[] = {DiskOp::kInfo,        DiskOp::kInfo,   DiskOp::kReadable, DiskOp::kOpenToRead,
                                      DiskOp::kOpenToWrite, DiskOp::kRead,   DiskOp::kAppend,   DiskOp::kAppend,
                                      DiskOp::kTruncate,    DiskOp::kSync,   DiskOp::kSync,     DiskOp::kSyncFolder,
                                      DiskOp::kLock,        DiskOp::kRename, DiskOp::kLink,     DiskOp::kRemove,
                                      DiskOp::kMakeFolders};
    plan.fail_op = kOps[rng_.below(std::size(kOps))];
    const uint64_t number_max = *plan.fail_op == DiskOp::kInfo ? 40 : usual_.calls / 8 + 3;
    plan.fail_at = rng_.percent(50) ? rng_.below(4) : rng_.below(number_max);
    plan.fail_on = rng_.percent(30);
    const bool opens = *plan.fail_op == DiskOp::kOpenToRead || *plan.fail_op == DiskOp::kOpenToWrite;
    plan.fail_error = opens && rng_.percent(50)                              ? EMFILE
                      : *plan.fail_op == DiskOp::kAppend && rng_.percent(60) ? ENOSPC
                                                                             : EIO;
    return plan;
  }

  Plan stop_plan() {
    Plan plan = rng_.percent(15) ? crash_plan() : Plan{};
    if (rng_.percent(50)) {
      plan.stop_at = rng_.below(usual_.wakeup_looks + 1);
    } else {
      plan.deadline_ns = rng_.percent(8) ? 1 : rng_.between(1, usual_.took_ns + usual_.took_ns / 4);
    }
    return plan;
  }

  Plan second_plan() {
    Plan plan = rng_.percent(30) ? crash_plan() : Plan{};
    plan.second_at = some_call();
    plan.lock_taken_away = rng_.percent(25);
    if (rng_.percent(30)) plan.second_crash_at = some_call();
    return plan;
  }

  // Begun anew in the middle, and mostly cut. The runs that follow are not told to do so once more.
  bool run_begun_anew() {
    const bool wanted = restart_wanted_;
    restart_wanted_ = true;
    const bool good = run_with(crash_plan());
    if (!done_) restart_wanted_ = wanted;
    return good;
  }

  // A run with this plan, and what it may end with.
  bool run_with(Plan plan) {
    add_side_effects(plan);
    const bool in_recovery =
        runs_ > 0 && !checkpoint_name_.empty() && machine_.disk.content(checkpoint_name_).has_value();
    const Ran ran = run(machine_, plan);
    ++runs_;
    if (!failure_.empty()) return false;
    if (ran.dead && in_recovery) strike(FaultKind::k_crash_in_recovery);
    if (plan.fail_op == DiskOp::kRemove && ran.struck) remove_failed_ = true;
    if (ran.second_ran && plan.second_crash_at != kNoCall) left_by_dead_ = true;
    // Whoever begins before it is fenced empties the part that the other run left.
    if (plan.lock_taken_away && ran.second_ran) zombie_ = may_be_invalid_ = true;
    if (plan.restart) strike(FaultKind::k_restarted);
    if (ran.dead) {
      left_by_dead_ = true;
      if (plan.crash.power) machine_.clock.boot();
      return visible_is_complete(machine_) && inputs_untouched(machine_);
    }
    if (!visible_is_complete(machine_) || !inputs_untouched(machine_)) return false;
    return judge(plan, ran);
  }

  bool judge(const Plan& plan, const Ran& ran) {
    if (plan.stop_at != kNoCall && ran.exit == Exit::kCheckpointed) strike(FaultKind::k_stopped);
    if (plan.deadline_ns != 0 && ran.exit == Exit::kCheckpointed) {
      strike(plan.deadline_ns == 1 ? FaultKind::k_deadline_passed_at_start : FaultKind::k_deadline);
    }
    const bool time = plan.stop_at != kNoCall || plan.deadline_ns != 0;
    switch (ran.exit) {
      case Exit::kDone:
        done_ = true;
        restart_wanted_ = false;
        return done_right(machine_, ran);
      case Exit::kCheckpointed:
        if (!time) return wrong("a run stopped that nobody stopped");
        if (!machine_.disk.content(checkpoint_name_)) return wrong("exit 10, but there is no checkpoint");
        restart_wanted_ = false;
        return true;
      case Exit::kUnavailable:
        if (ran.struck) {
          return true;
        }
        break;
      case Exit::kAuth:
        if (ran.struck && plan.fail_op == DiskOp::kReadable) return true;
        break;
      case Exit::kStuck:
        if (runs_ > 3) {
          strike(FaultKind::k_stuck);
          restart_wanted_ = true;
          return true;
        }
        break;
      case Exit::kFenced:
        if (ran.second_ran) return true;
        break;
      case Exit::kSinkConflict:
        if (ran.second_ran && plan.lock_taken_away) return true;
        // It begins anew, and what it showed before is there: the user takes that away.
        if (may_be_invalid_ && work_.config.output.if_exists == IfExists::kFail) {
          for (const ExpectedFile& file : work_.outputs) machine_.disk.erase(file.path);
          if (!work_.config.rejects.to.empty()) machine_.disk.erase(work_.config.rejects.to);
          restart_wanted_ = true;
          return true;
        }
        break;
      case Exit::kCheckpointInvalid:
        // Whoever lost the lock may find that the other run has done with the files.
        if (ran.second_ran && plan.lock_taken_away) return true;
        if (may_be_invalid_) {
          restart_wanted_ = true;
          return true;
        }
        break;
      default:
        break;
    }
    return wrong(format("exit %u is not what is to be expected", static_cast<unsigned>(ran.exit)));
  }

  // --- runs that must not do anything --------------------------------------------------------------------------------

  // The run ends so and changes nothing but the lock.
  bool run_to_exit(const Plan& plan, Exit exit, bool or_stuck = false) {
    const Ran ran = run(machine_, plan);
    ++runs_;
    if (!failure_.empty()) return false;
    last_exit_ = ran.exit;
    if (or_stuck && ran.exit == Exit::kStuck) return true;
    if (ran.exit != exit)
      return wrong(format("exit %u, expected %u", static_cast<unsigned>(ran.exit), static_cast<unsigned>(exit)));
    return visible_is_complete(machine_);
  }

  bool run_too_small() {
    Plan plan;
    plan.change = [](Config& config) { config.memory = 100'000; };
    const uint64_t changes = machine_.disk.changes();
    strike(FaultKind::k_budget_too_small);
    if (!run_to_exit(plan, Exit::kBudgetTooSmall)) return false;
    return machine_.disk.changes() == changes || wrong("a run that did not fit changed something");
  }

  bool run_with_few_rejects() {
    if (work_.rejected < 2 || may_be_invalid_ || restart_wanted_) return run_with(Plan{});
    Plan plan;
    const uint64_t most = rng_.below(work_.rejected - 1);
    plan.change = [most](Config& config) { config.rejects.max_count = most; };
    const Ran ran = run(machine_, plan);
    ++runs_;
    if (!failure_.empty() || !visible_is_complete(machine_)) return false;
    if (ran.exit == Exit::kTooManyRejects) {
      strike(FaultKind::k_too_many_rejects);
      return true;
    }
    // All of them may lie behind a run that had got to its end.
    Plan none;
    return judge(none, ran);
  }

  // Not where nothing of this job's was ever saved, or where all that is there is word that it is begun anew: then a changed source is no news.
  bool has_checkpoint() {
    return !checkpoint_name_.empty() && machine_.disk.content(checkpoint_name_).has_value() &&
           checkpoint_kind() != CheckpointKind::kAnew;
  }

  CheckpointKind checkpoint_kind() {
    CheckpointReader reader;
    const std::string bytes = machine_.disk.content(checkpoint_name_).value_or("");
    return reader.parse(bytes, work_.config.checkpoint.key) ? reader.head().kind : CheckpointKind::kRunning;
  }

  bool run_with_changed_source() {
    if (!has_checkpoint() || may_be_invalid_ || restart_wanted_) return run_with(Plan{});
    // Another source is another output then.
    if (checkpoint_kind() == CheckpointKind::kDone && work_.config.output.if_exists == IfExists::kReplace)
      return run_with(Plan{});
    // The first input: that one was opened if there is a checkpoint.
    const std::string path = work_.inputs[0].path;
    const std::string stored = work_.inputs[0].stored;
    const uint64_t kind = rng_.below(3);
    const auto kept = machine_.disk.hold(path);
    Exit expected = Exit::kSourceChanged;
    if (kind == 0) {
      machine_.clock.pass(2'000'000'000);
      machine_.disk.put(path, stored);
      strike(FaultKind::k_source_replaced);
    } else if (kind == 1) {
      machine_.clock.pass(2'000'000'000);
      machine_.disk.put(path, stored + stored.substr(0, 40), false);
      strike(FaultKind::k_source_grown);
    } else {
      machine_.disk.erase(path);
      expected = Exit::kBadConfig;
      strike(FaultKind::k_source_gone);
    }
    tell(kind == 0 ? "the source is replaced" : kind == 1 ? "the source grows" : "the source is taken away");
    const std::string before = *machine_.disk.content(checkpoint_name_);
    // All output is durable, and only to be shown: the source does not matter any more, but for what it is read for to
    // plan.
    const CheckpointKind stage = checkpoint_kind();
    if (stage == CheckpointKind::kFinishing && kind != 2) expected = Exit::kDone;
    const bool good = run_to_exit(Plan{}, expected, true);
    if (good && expected == Exit::kDone && last_exit_ == Exit::kDone) done_ = true;
    machine_.disk.restore(path, kept);
    if (good && !done_ && machine_.disk.content(checkpoint_name_) != before)
      return wrong("a run that was refused changed the checkpoint");
    return good;
  }

  bool run_with_other_job() {
    // A job that is done gives way to another.
    if (!has_checkpoint() || checkpoint_kind() == CheckpointKind::kDone) return run_with(Plan{});
    Plan plan;
    if (rng_.percent(50)) {
      plan.change = [](Config& config) { config.query += " "; };
      strike(FaultKind::k_other_job);
    } else {
      plan.change = [](Config& config) {
        config.checkpoint.key = config.checkpoint.key.empty() ? "another secret of bytes" : "";
      };
      strike(FaultKind::k_other_key);
    }
    const std::string before = *machine_.disk.content(checkpoint_name_);
    if (!run_to_exit(plan, Exit::kCheckpointInvalid)) return false;
    return machine_.disk.content(checkpoint_name_) == before || wrong("a run that was refused changed the checkpoint");
  }

  bool run_with_damage() {
    if (!has_checkpoint()) return run_with(Plan{});
    SimRng& rng = rng_;
    const uint64_t kind = rng.below(3);
    if (kind == 0) {
      const std::string whole = *machine_.disk.content(checkpoint_name_);
      machine_.disk.damage(checkpoint_name_, [&](std::string& bytes) {
        if (rng.percent(30))
          bytes.resize(rng.below(bytes.size()));
        else
          bytes[rng.below(bytes.size())] ^= static_cast<char>(1u << rng.below(8));
      });
      strike(FaultKind::k_checkpoint_damaged);
      tell("the checkpoint is damaged");
      const bool good = run_to_exit(Plan{}, Exit::kCheckpointInvalid);
      if (rng.percent(50)) {
        machine_.disk.damage(checkpoint_name_, [&](std::string& bytes) { bytes = whole; });
      } else {
        may_be_invalid_ = restart_wanted_ = true;
      }
      return good;
    }
    if (kind == 1) {
      // Then the job begins anew: over what it left, when that is allowed.
      if (work_.config.output.if_exists != IfExists::kReplace) return run_with(Plan{});
      machine_.disk.erase(checkpoint_name_);
      strike(FaultKind::k_checkpoint_gone);
      tell("the checkpoint is taken away");
      return run_with(Plan{});
    }
    // What the checkpoint goes on with is damaged: it says so, or makes it again.
    bool any = false;
    for (const std::string& name : machine_.disk.names()) {
      // What is shown already under its other name is no part any more.
      if (!name.ends_with(".part") || machine_.disk.content(name)->empty() ||
          machine_.disk.content(name.substr(0, name.size() - 5)))
        continue;
      machine_.disk.damage(name, [&](std::string& bytes) {
        if (rng.percent(50))
          bytes.resize(rng.below(bytes.size()));
        else
          bytes[rng.below(bytes.size())] ^= static_cast<char>(1u << rng.below(8));
      });
      any = true;
      tell("damaged: " + name);
    }
    if (!any) return run_with(Plan{});
    strike(FaultKind::k_output_damaged);
    may_be_invalid_ = true;
    return run_with(Plan{});
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  bool healthy() {
    for (unsigned i = 0; !done_; ++i) {
      if (i == kHealthyRunsMax) return wrong("no faults any more, and still not done");
      Plan plan;
      plan.restart = restart_wanted_;
      const Ran ran = run(machine_, plan);
      ++runs_;
      if (plan.restart) strike(FaultKind::k_restarted);
      if (!failure_.empty() || !visible_is_complete(machine_) || !inputs_untouched(machine_) || !judge(plan, ran))
        return false;
    }
    return true;
  }

  bool afterwards() {
    // Done is durable.
    if (rng_.percent(70)) {
      strike(FaultKind::k_power_lost_when_done);
      tell("power lost when done");
      machine_.disk.lose_power();
      machine_.clock.boot();
      left_by_dead_ = true;
      if (!done_right(machine_, Ran{.skipped = "power"})) return false;
    }
    if (rng_.percent(30)) {
      strike(FaultKind::k_run_when_done);
      const uint64_t changes = machine_.disk.changes();
      const Ran ran = run(machine_, Plan{});
      if (!failure_.empty()) return false;
      // A power cut may have taken what a killed run said last, that all is done.
      const bool skipped = ran.skipped == "already_done";
      if (ran.exit != Exit::kDone || (!skipped && !left_by_dead_))
        return wrong("run again when done, it was not skipped");
      // The lock is made and taken away.
      if (skipped && machine_.disk.changes() > changes + 2) return wrong("run again when done, it changed something");
      if (!done_right(machine_, ran)) return false;
    }
    if (!work_.outputs.empty() && rng_.percent(10)) {
      strike(FaultKind::k_output_taken_away_when_done);
      tell("the output is taken away");
      machine_.disk.erase(work_.outputs.back().path);
      if (!work_.folder && !work_.config.rejects.to.empty()) machine_.disk.erase(work_.config.rejects.to);
      const Ran ran = run(machine_, Plan{});
      if (!failure_.empty()) return false;
      if (ran.exit != Exit::kDone || !ran.skipped.empty())
        return wrong("the output was taken away, and not made again");
      if (!done_right(machine_, ran)) return false;
    }
    if (work_.config.output.if_exists == IfExists::kFail && rng_.percent(10)) {
      strike(FaultKind::k_source_replaced_when_done);
      machine_.clock.pass(2'000'000'000);
      machine_.disk.put(work_.inputs[0].path, work_.inputs[0].stored);
      const Ran ran = run(machine_, Plan{});
      if (!failure_.empty()) return false;
      if (ran.exit != Exit::kSourceChanged)
        return wrong(format("done with another source, exit %u", static_cast<unsigned>(ran.exit)));
      if (!done_right(machine_, Ran{.skipped = "refused"})) return false;
    }
    return !rng_.percent(15) || again_from_the_start();
  }

  // `--restart` of what is done, with crashes. What was shown stays until it is replaced, and the user asks once more where the new run did not get
  // so far that it left a state of its own.
  bool again_from_the_start() {
    strike(FaultKind::k_restarted_when_done);
    bool asked = true;
    unsigned crashes = 0;
    for (unsigned i = 0; i < kHealthyRunsMax + 4; ++i) {
      Plan plan = i < 4 && rng_.percent(70) ? crash_plan() : Plan{};
      plan.restart = asked;
      const Ran ran = run(machine_, plan);
      if (!failure_.empty()) return false;
      asked = false;
      if (ran.dead) {
        left_by_dead_ = true;
        ++crashes;
        if (plan.crash.power) machine_.clock.boot();
        if (!done_right(machine_, Ran{.skipped = "dead"}) || !inputs_untouched(machine_)) return false;
        continue;
      }
      asked = ran.skipped == "already_done" || ran.exit == Exit::kSourceChanged;
      if (ran.exit == Exit::kStuck && crashes >= 3) {
        asked = true;
        continue;
      }
      if (!asked && ran.exit != Exit::kDone)
        return wrong(format("begun anew when done, exit %u", static_cast<unsigned>(ran.exit)));
      if (!done_right(machine_, asked ? Ran{.skipped = "once more"} : ran)) return false;
      if (!asked) return true;
    }
    return wrong("begun anew when done, and still not done again");
  }

  SimRng rng_;
  Tally& tally_;
  Workload work_;
  Machine machine_;
  std::string failure_;
  std::string story_;
  std::map<std::string, std::string> stored_;  ///< of an undisturbed run
  std::string checkpoint_name_;
  Ran usual_;
  unsigned runs_ = 0;
  Exit last_exit_ = Exit::kNone;
  bool done_ = false;
  bool restart_wanted_ = false;
  bool may_be_invalid_ = false;  ///< somebody damaged something, or a run that began anew was cut
  bool remove_failed_ = false;
  bool left_by_dead_ = false;  ///< files of a run that died may lie about
  bool zombie_ = false;
};

}  // namespace

const char* fault_name(FaultKind kind) {
  static constexpr const char* kNames[] = {
#define X(name) #name,
#include "faults.def"
#undef X
  };
  return kNames[static_cast<size_t>(kind)];
}

Verdict live(uint64_t seed, Tally& tally) { return Life(seed, tally).live(); }

}  // namespace weir::sim
