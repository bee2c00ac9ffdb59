#include "sim/scenario/traps.h"

namespace dvt::sim {

std::span<const Trap> traps() {
  static const std::vector<Trap> kTraps{
      {1,
       "\"Plan persisted\" is asked of the buckets of run completion. The first ends at 0.5 s: with every run below it "
       "the "
       "p99 reads 0.99 × 0.5 s = 0.495 s, and never less.",
       "The objective plan-persisted is measured from the request to the acknowledged RunQueued, in buckets of its "
       "own.",
       {"traps/01-floor.yaml"}},
      {2,
       "RunCompletionSLAViolation takes histogram_quantile of a metric without _bucket and without rate: no such "
       "series "
       "exists, so the rule never fires, while runs take minutes.",
       "histogram_quantile(0.99, sum by (le) (increase(…_bucket[5m]))), as in CompletionLatency.",
       {"traps/02-no-bucket.yaml"}},
      {3,
       "Without sum by (le), histogram_quantile gives a quantile for each plan, status or event type; any of them "
       "pages.",
       "sum by (le) inside the quantile.",
       {"traps/03-no-sum.yaml"}},
      {4,
       "rate(failed) / rate(all) without sum() matches label by label: each failed series is divided by itself. The "
       "ratio "
       "is 1 or not a number, whatever the share of failures is.",
       "A sum on either side, and a least number of failures (ErrorRate).",
       {"traps/04-label-by-label.yaml"}},
      {5,
       "Run time from end to end saturates at the last bound, 60 s: where dbt work takes minutes, \"> 30\" fires once "
       "and "
       "for ever.",
       "The control plane's share of the run time (dvt_run_control_plane_duration_seconds) is judged.",
       {"traps/05-last-bucket.yaml"}},
      {6,
       "dvt_projection_gaps_total > 0 asks whether there ever was a gap: it fires for ever after one.",
       "increase(…[1m]) > 0, as in ProjectionGap.",
       {"traps/06-gap-for-ever.yaml"}},
      {7,
       "The signal query lacks signal_type=\"PAUSE\", so every type of signal has a quantile in it; and the metric has "
       "no "
       "bounds: a client's default ones are in seconds, on a metric in milliseconds, and end at 10.",
       "dvt_pause_to_quiescence_ms has bounds in milliseconds and pauses only (PauseLatency).",
       {"traps/07-signal-types.yaml"}},
      {8,
       "HighErrorRate has three thresholds in three documents: 0.1 %, 1 % and 5 %. At 0.1 % over ten minutes a single "
       "failed "
       "run of 350 fires it.",
       "One threshold, 1 %, and at least five failures (ErrorRate).",
       {"traps/08-three-thresholds.yaml"}},
      {9,
       "50,000 runs a day are 174 in five minutes: the p99 of such a window is its second slowest run. Two slow runs "
       "page.",
       "Look at the number of observations beside every quantile; ask for a least number in the rule.",
       {"traps/09-few-runs.yaml"}},
      {10,
       "An unavailability of 0.5 to 1 % burns the budget once to twice as fast as it may and never alerts, since the "
       "rule asks "
       "for less than 99 % in four hours; a total outage trips it at the third bad minute.",
       "Burn rates over several windows (BudgetBurn1 to BudgetBurn14).",
       {"traps/10-slow-burn.yaml", "traps/10-total-outage.yaml"}},
      {11,
       "A p99 over 30 days can hold while 2 % of its five-minute windows fail. A verdict must say which one it is.",
       "Every verdict is over the whole run and shows the share of failing windows beside it.",
       {"traps/11-windows.yaml"}},
      {12,
       "To pause means to let work under way end in one document, and to cancel it in another.",
       "Draining is the default and what is modelled; topology.pause.cancelRunning: true is refused.",
       {"traps/12-pause-drains.yaml"}},
      {13,
       "A lost heartbeat is reported after 60 s and 2 minutes of waiting in one place, after 5 minutes in another; "
       "postmortems are due after 24 h, 48 h or 5 d; P and Sev scales are mixed.",
       "One rule (60 s, for 2 minutes) in the corrected set, and one scale: P1 is read as Sev1.",
       {"traps/13-two-heartbeats.yaml"}},
      {14,
       "\"Less than 50 events or less than 1 s\" is broken only where both limits are. At 116 events/s a hundred "
       "events are less "
       "than a second: the alert on events fires while the objective holds.",
       "max(lag_events) > 100 and max(lag_seconds) > 1 (ProjectionLag).",
       {"traps/14-lag-in-events.yaml"}},
  };
  return kTraps;
}

}  // namespace dvt::sim
