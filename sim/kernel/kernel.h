// Kernel: virtual time. Runs callbacks and fibers in one total order, (time, sequence number), and moves the clock
// only when nothing is runnable. Implements the Timers and Fibers ports; nothing else in the project makes time pass.
// Guarantees: same calls, same order, whatever observers, progress hooks or stops are in place (design §3).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/ports/fibers.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "sim/kernel/ready_queue.h"
#include "sim/kernel/sanitizer_switch.h"
#include "sim/kernel/stack_slab.h"
#include "sim/kernel/timer_queue.h"

namespace dvt::sim {

class FiberThread;
struct Fiber;
enum class FiberState : std::uint8_t;

struct KernelOptions {
  TieBreak schedule = TieBreak::insertion_order;
  /// Needed for TieBreak::shuffled, and must then outlive the kernel.
  const Random* random = nullptr;
  /// Events of one instant before run() throws LivelockError.
  std::uint64_t events_per_instant_max = 10'000'000;
};

enum class RunStatus {
  drained,      // no event is left; run_until() has moved the clock to its end all the same
  reached_end,  // events are left after `end`
  stopped,      // by request_stop() or stop_at_instant_end(); a further run goes on from here
};

/// A fiber that only another event could wake, and there is none.
struct WaitingFiber {
  FiberId fiber;
  std::string name;
  std::string waits_for;
  Instant since;
};

/// Nothing is runnable, no timer is set, and queued fibers wait. what() lists them all.
class DeadlockError : public Error {
 public:
  DeadlockError(Instant when, std::vector<WaitingFiber> waiting);
  Instant when() const { return when_; }
  const std::vector<WaitingFiber>& waiting() const { return waiting_; }

 private:
  Instant when_;
  std::vector<WaitingFiber> waiting_;
};

/// More events in one instant than KernelOptions allows.
class LivelockError : public Error {
 public:
  LivelockError(Instant when, std::uint64_t events);
  Instant when() const { return when_; }

 private:
  Instant when_;
};

/// Belongs to the thread that made it. Several kernels may live in one thread and run in turn; destroying one kills
/// its fibers, oldest slot first.
class Kernel final : public Timers, public Fibers {
 public:
  /// Called with the instant it is about.
  using Observer = std::function<void(Instant)>;

  explicit Kernel(KernelOptions options = {});
  ~Kernel() override;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Timers& timers() { return *this; }
  Fibers& fibers() { return *this; }

  // Clock and Timers.
  Instant now() const override { return now_; }
  TimerId call_at(Instant when, Callback&& callback) override;
  bool cancel(TimerId timer) override;

  // Fibers. Beyond the port: wake() does nothing to a fiber inside sleep_for() or join(); run() of such a fiber, or of
  // one in the ready queue, is a programmer's error. kill() works on all of them. A killed fiber that parks again
  // is thrown at again. A fiber cannot be killed while a destructor of its own waits, or lets it wait then: aborts.
  FiberId spawn(std::string name, std::function<void()> body) override;
  FiberId spawn_queued(std::string name, std::function<void()> body) override;
  bool run(FiberId fiber) override;
  void wake(FiberId fiber) override;
  void kill(FiberId fiber) override;
  bool alive(FiberId fiber) const override;
  void park(const char* waits_for) override;
  void sleep_for(Duration duration) override;
  void join(FiberId fiber) override;
  FiberId current() const override;

  /// Runs everything up to and including `end` and leaves the clock there (not when stopped). Main stack only, not
  /// from a callback. Rethrows what leaves a callback or a queued fiber; throws DeadlockError and LivelockError. After
  /// an exception the kernel may go on: the event that threw is done.
  RunStatus run_until(Instant end);
  /// Runs until no event is left; the clock stays at the last one. Sample grids alone do not keep it running.
  RunStatus run();

  /// Any thread, or a signal handler: the run returns within kAttentionEvents events.
  void request_stop() noexcept { stop_requested_.store(true, std::memory_order_relaxed); }
  /// From an event or an observer: the run returns once this instant and its observers are done.
  void stop_at_instant_end();

  // Observers run on the main stack after the last event of an instant, before time moves: first the instant-end
  // hook, then the grids in the order they were added. They take no sequence numbers and must not change the
  // simulation: setting timers, waking, spawning, killing or running fibers from one is a programmer's error.
  /// After every instant that had an event.
  void set_instant_end_hook(Observer observer);
  /// At `first` and every `interval` from then on, whether there are events or not. Grid points before now() are
  /// skipped.
  void add_sample_grid(Instant first, Duration interval, Observer observer);
  /// For an observer that must act (abort, an alert with consequences): an ordinary event at this same instant, after
  /// the observers. The instant's end comes again; a grid does not.
  void call_after_observers(Callback callback);
  /// Called every `events` events (not at exact multiples), for progress output. An observer too.
  void set_progress_hook(std::uint64_t events, std::function<void()> hook);

  /// Callbacks run, sleeps ended and ready fibers resumed. Observers and stepped runs do not count.
  std::uint64_t events_total() const { return events_total_; }
  std::size_t timers_pending() const { return queue_.size(); }
  std::size_t fibers_alive() const { return fibers_alive_; }
  /// Stacks held, in use or idle.
  std::size_t stacks() const { return slab_.in_use(); }

  /// "virtual time 2s (2000000000 ns), fiber 'x', event 17": what a failing assertion prints.
  std::string describe_position() const;

  /// The longest a stop request goes unnoticed, in events.
  static constexpr std::uint64_t kAttentionEvents = 4096;

 private:
  struct Grid {
    Instant next;
    Duration interval;
    Observer observer;
  };
  class Activation;  // RAII: failing assertions describe this kernel

  // kernel.cpp: the loop.
  enum class EndOfRun { at_end, when_drained };
  RunStatus loop(Instant end, EndOfRun end_of_run);
  bool attend();
  void allow_fast();
  void fire();
  void advance(Instant to);
  bool close_instant();
  bool on_own_thread() const;
  void observe(const std::function<void()>& observers);
  Instant next_grid() const;
  void throw_if_deadlocked() const;
  void assert_not_observing() const {
    DVT_ASSERT(!observing_, "an observer changes the simulation (use call_after_observers)");
  }

  // kernel_fibers.cpp: the fibers.
  Fiber* find(FiberId id) const;
  Fiber& new_fiber(std::string name, std::function<void()> body);
  void make_ready(Fiber& fiber);
  Fiber* next_ready();
  Fiber* pick_next();
  void resume_queued(Fiber& fiber);
  void step(Fiber& fiber);
  Fiber& begin_wait(FiberState state, const char* waits_for);
  void suspend(Fiber& fiber);
  [[noreturn]] static void throw_killed(Fiber& fiber);
  void switch_to(Fiber* target);
  void leave_for(Fiber* target);
  void create_context(Fiber& fiber);
  static void fiber_main(void* fiber);
  void run_body(Fiber& fiber);
  Fiber* finish(Fiber& fiber);
  void release(Fiber& fiber);
  void rethrow_pending();
  void collect_ended(std::size_t at_least);
  void end_all_fibers();

  // Ended contexts wait for Boost's dispatcher until there are this many.
  static constexpr std::size_t kCollectBatch = 64;

  // Hot first: what every event touches.
  Instant now_{0};
  std::uint64_t events_total_ = 0;
  std::uint64_t attention_at_ = 0;  // events_total_ at which the main stack must have a look
  Instant fast_until_{-1};          // a fiber may move the clock up to here without the main stack
  Fiber* current_ = nullptr;
  bool stepping_ = false;      // the current fiber returns to run() when it parks
  bool instant_open_ = false;  // an event ran since the last instant end
  bool observing_ = false;
  bool running_ = false;
  bool stop_at_instant_end_ = false;
  std::atomic<bool> stop_requested_{false};
  TimerQueue queue_;
  ReadyQueue ready_;

  KernelOptions options_;
  Instant end_{0};                         // of the present run
  std::uint64_t instant_start_total_ = 0;  // events_total_ when this instant began
  std::uint64_t ready_picks_ = 0;
  Observer instant_end_hook_;
  std::vector<Grid> grids_;
  std::vector<Callback> after_observers_;
  std::uint64_t progress_every_ = 0;
  std::uint64_t progress_at_ = 0;
  std::function<void()> progress_hook_;

  FiberThread& thread_;
  void* exception_globals_;  // this thread's __cxa_eh_globals
  StackSlab slab_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_with_stack_;
  std::vector<Fiber*> free_without_stack_;
  std::size_t fibers_alive_ = 0;
  std::size_t ended_uncollected_ = 0;
  std::exception_ptr pending_exception_;
  StackBounds main_stack_;
  void* main_fake_stack_ = nullptr;
};

}  // namespace dvt::sim
