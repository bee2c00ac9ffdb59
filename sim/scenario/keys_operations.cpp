// The rows of `faults`, `operations`, `releases` and `budgetPolicy`.
#include <algorithm>

#include "sim/scenario/fault_kinds.h"
#include "sim/scenario/keys.h"

namespace dvt::sim {

bool Codec<Target>::read(Reading& reading, const Node& node, Target& out) {
  const std::string* text = expect_scalar(reading, node, type());
  return text != nullptr && take(reading, node, parse_target(*text), out);
}
Node Codec<Target>::write(const Target& value, const WriteContext&) {
  return Node::string(value.text);
}
const TypeInfo& Codec<Target>::type() {
  static const TypeInfo info =
      scalar_type("target", "api, projector/2, worker/tq-data/*, warehouse/bq …; see `dvtsim explain fault`",
                  json::Object{{"type", "string"}});
  return info;
}

namespace {
struct PoissonEvery {
  Rate poisson;
  bool operator==(const PoissonEvery&) const = default;
};
}  // namespace
DVT_OBJECT(PoissonEvery);

template <>
const ObjectTable& table<PoissonEvery>() {
  static const ObjectTable made = [] {
    TableBuilder<PoissonEvery> t("{poisson: rate}");
    t.field("poisson", &PoissonEvery::poisson, "Rate of a Poisson process of episode starts.")
        .required()
        .example("1/d")
        .above(Rate{});
    return t.build();
  }();
  return made;
}

bool Codec<Every>::read(Reading& reading, const Node& node, Every& out) {
  if (node.is_mapping()) {
    PoissonEvery form;
    if (!Codec<PoissonEvery>::read(reading, node, form)) return false;
    out = {std::nullopt, form.poisson};
    return true;
  }
  Duration gap;
  if (!Codec<Duration>::read(reading, node, gap)) return false;
  if (gap.ns == 0) {
    reading.error(node.mark, "every must be more than 0s");
    return false;
  }
  out = {gap, Rate{}};
  return true;
}
Node Codec<Every>::write(const Every& value, const WriteContext& context) {
  return value.gap ? Codec<Duration>::write(*value.gap, context)
                   : Codec<PoissonEvery>::write(PoissonEvery{value.poisson}, context);
}
const TypeInfo& Codec<Every>::type() {
  static const TypeInfo info = [] {
    TypeInfo made = scalar_type("duration or map", "a duration, or {poisson: rate}", Codec<Duration>::type().schema);
    made.object = &table<PoissonEvery>();
    return made;
  }();
  return info;
}

namespace {

// Parameters that only some kinds use; one that is set to no effect is more likely a mistake than a wish.
void check_fault_parameters(Reading& reading, const Node& node, const Fault& fault) {
  const FaultKindInfo& kind = info(fault.kind);
  const auto unused = [&](std::string_view key, bool is_set) {
    if (!is_set || std::find(kind.parameters.begin(), kind.parameters.end(), key) != kind.parameters.end()) return;
    reading.error(node.mark, fmt::format("\"{}\" has no meaning for kind: {}", key, word(fault.kind)));
  };
  const Fault plain;
  unused("factor", fault.factor != plain.factor);
  unused("jitter", fault.jitter != plain.jitter);
  unused("ramp", fault.ramp != plain.ramp);
  unused("share", fault.share != plain.share);
  using T = TargetKind;
  const T at = fault.target.kind;
  const bool strikes_all = at == T::store || at == T::store_disk || at == T::link_worker_store;
  if (fault.share != plain.share && strikes_all)
    reading.error(node.mark, "share has no meaning for the store and its link: a fault strikes everything there");
  unused("offset", fault.offset != plain.offset);
  if (fault.kind == FaultKind::clock_skew && fault.offset == plain.offset)
    reading.error(node.mark, "kind: clock-skew needs an offset");
  unused("group", fault.group != plain.group);
  unused("maxDown", fault.max_down != plain.max_down);
  if (fault.length && !kind.has_length)
    reading.error(node.mark,
                  fmt::format("\"for\" has no meaning for kind: {}, which is over at once", word(fault.kind)));
  const bool scales = std::find(kind.parameters.begin(), kind.parameters.end(), "factor") != kind.parameters.end();
  if (scales && fault.factor == plain.factor)
    reading.error(node.mark, fmt::format("kind: {} needs a factor other than 1", word(fault.kind)));
  if (fault.group == FaultGroup::zone && fault.target.kind != TargetKind::worker)
    reading.error(node.mark, "group: zone needs workers as its target: only they have zones");
}

void check_fault_target(Reading& reading, const Node& node, const Fault& fault) {
  const FaultKindInfo& kind = info(fault.kind);
  const Node* written = node.find("target");
  if (written == nullptr || fault.target.text.empty()) return;
  if (std::find(kind.targets.begin(), kind.targets.end(), fault.target.kind) == kind.targets.end()) {
    std::vector<std::string_view> known;
    for (TargetKind target : kind.targets) known.push_back(info(target).notation);
    reading.error(written->mark, fmt::format("kind: {} cannot strike \"{}\"; it can strike {}", word(fault.kind),
                                             fault.target.text, fmt::join(known, ", ")));
  } else if (std::find(kind.modelled.begin(), kind.modelled.end(), fault.target.kind) == kind.modelled.end()) {
    reading.error(written->mark,
                  fmt::format("kind: {} on \"{}\" is not modelled yet", word(fault.kind), fault.target.text));
  }
}

}  // namespace

template <>
const ObjectTable& table<Fault>() {
  static const ObjectTable made = [] {
    TableBuilder<Fault> t("a fault");
    t.field("kind", &Fault::kind, "What goes wrong; see `dvtsim explain fault`.").required().example("latency");
    t.field("target", &Fault::target, "Where; see `dvtsim explain fault`.").required().example("warehouse/bq");
    t.field("at", &Fault::at, "Start of the first episode, or of the window in which `every` draws.").example("30m");
    t.field("for", &Fault::length, "Length of one episode; absent: to the end. None for kinds that are over at once.")
        .example("30m");
    t.field("every", &Fault::every,
            "Gap between the starts of episodes, or a Poisson process of them; absent: one episode.")
        .example("{poisson: 1/d}");
    t.field("until", &Fault::until, "End of the window in which episodes start; absent: the end of the run.")
        .example("2h");
    t.field("group", &Fault::group, "zone: an episode strikes all workers of one drawn zone.").example("zone");
    t.field("maxDown", &Fault::max_down, "At most this share of the target's members is down at once.").example("50%");
    t.field("probability", &Fault::probability, "Each episode happens with this probability.").example("50%");
    t.field("correlation", &Fault::correlation, "Share of the episodes that repeat the previous draw.").example("25%");
    t.field("maxCount", &Fault::max_count, "Episodes at most; 0: no limit.").example("3").range(0, 1'000'000'000);
    t.field("factor", &Fault::factor,
            "latency, disk-slow: durations are multiplied by it; throttle: throughput is divided by it.")
        .example("6")
        .above(0)
        .max(1e6);
    t.field("jitter", &Fault::jitter, "The factor varies by this share from call to call.").example("30%");
    t.field("share", &Fault::share,
            "This share of the messages, requests, fetches or statements is struck; not on the store and its link.")
        .example("30%");
    t.field("offset", &Fault::offset,
            "clock-skew: each worker's clock is off by a drawn amount, ahead or behind, of at most this.")
        .example("30s");
    t.field("ramp", &Fault::ramp, "Time in which the effect rises, and falls again, inside `for`.").example("2m");
    t.finish([](Reading& reading, const Node& node, Fault& fault) {
      const Node* kind = node.find("kind");
      if (kind != nullptr && kind->is_scalar() && from_word<FaultKind>(kind->text)) {
        check_fault_parameters(reading, node, fault);
        check_fault_target(reading, node, fault);
      }
      if (fault.until && *fault.until <= fault.at)
        reading.error(node.mark, fmt::format("until ({}) is not after at ({})", format_value(*fault.until),
                                             format_value(fault.at)));
      if (fault.length && fault.length->is_constant() && fault.length->a < fault.ramp)
        reading.error(node.mark, "ramp is longer than for");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<After>() {
  static const ObjectTable made = [] {
    TableBuilder<After> t("{operation, until, timeout}");
    t.field("operation", &After::operation, "The operation to wait for.").required().example("p30");
    t.field("until", &After::until, "done: it was sent to all; drained: per selected run, when that run has drained.")
        .example("drained");
    t.field("timeout", &After::timeout, "Go on after this all the same.").example("1h").above(Duration{});
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<OnAlert>() {
  static const ObjectTable made = [] {
    TableBuilder<OnAlert> t("{alert, state}");
    t.field("alert", &OnAlert::alert, "The rule.").required().example("ProjectionLag");
    t.field("state", &OnAlert::state, "The state it enters.").example("firing");
    return t.build();
  }();
  return made;
}

namespace {

void check_trigger(Reading& reading, const Node& node, const Operation& operation) {
  const auto triggers = present(node, {"at", "after", "on"});
  if (triggers.size() != 1) {
    reading.error(node.mark,
                  fmt::format("expected exactly one of at, after, on{}",
                              triggers.empty() ? "" : fmt::format(", found {}", fmt::join(triggers, " and "))));
  }
  if (operation.reaction && !operation.on) reading.error(node.mark, "reaction belongs to on");
  if (operation.on && operation.on->state != OnAlert::State::firing && !operation.reaction)
    reading.error(node.mark, "people on call are told of firings only: give a reaction time, such as reaction: 1m");
}

void check_action(Reading& reading, const Node& node, const Operation& operation) {
  const auto what = present(node, {"signal", "action"});
  if (what.size() != 1) {
    reading.error(node.mark,
                  fmt::format("expected exactly one of signal, action{}", what.empty() ? "" : ", found both"));
    return;
  }
  if (!operation.signal && !operation.action) return;  // its word was refused
  struct Needs {
    OperatorAction action;
    std::vector<std::string_view> keys;
  };
  using A = OperatorAction;
  static const std::vector<Needs> kNeeds{{A::scale, {"target", "to"}},
                                         {A::restart, {"target"}},
                                         {A::throttle, {"rate"}},
                                         {A::set_timeout, {"kind", "startToClose"}},
                                         {A::add_connections, {"by"}},
                                         {A::terminate, {"select"}},
                                         {A::force_timeout, {"select"}},
                                         {A::replay_from_snapshot, {"target"}},
                                         {A::requeue_deferred, {}},
                                         {A::purge_deferred, {}},
                                         {A::heal, {"fault"}}};
  std::vector<std::string_view> needed;
  for (const Needs& row : kNeeds) {
    if (operation.action && row.action == *operation.action) needed = row.keys;
  }
  for (std::string_view key : needed) {
    if (node.find(key) == nullptr)
      reading.error(node.mark, fmt::format("action: {} needs \"{}\"", word(*operation.action), key));
  }
  const bool takes_runs = operation.signal || std::find(needed.begin(), needed.end(), "select") != needed.end();
  // By value: a resolved scenario writes defaults out.
  const auto refuse = [&](std::string_view key, bool said, std::string message) {
    if (!said || node.find(key) == nullptr) return;
    reading.error(node.find(key)->mark, std::move(message));
  };
  const Operation plain;
  if (!takes_runs) {
    const std::string why = fmt::format("has no meaning for action: {}, which takes no runs", word(*operation.action));
    refuse("select", operation.select != plain.select, "\"select\" " + why);
    refuse("spread", operation.spread != plain.spread, "\"spread\" " + why);
  }
  if (operation.action) {
    refuse("payload", operation.payload != plain.payload, "\"payload\" belongs to a signal");
    refuse("signalId", operation.signal_id != plain.signal_id, "\"signalId\" belongs to a signal");
    refuse("repeat", operation.repeat != plain.repeat, "\"repeat\" belongs to a signal");
  }
  if (!takes_runs && operation.after && operation.after->until == After::Until::drained)
    reading.error(
        node.find("after")->mark,
        fmt::format("until: drained acts on each run as it drains; action: {} takes no runs", word(*operation.action)));
  for (std::string_view key : present(node, {"target", "to", "rate", "kind", "startToClose", "by", "fault"})) {
    const Node* value = node.find(key);
    if (std::find(needed.begin(), needed.end(), key) == needed.end()) {
      reading.error(value->mark, operation.action
                                     ? fmt::format("\"{}\" has no meaning for action: {}", key, word(*operation.action))
                                     : fmt::format("\"{}\" belongs to an action", key));
    }
  }
}

}  // namespace

template <>
const ObjectTable& table<Operation>() {
  using O = Operation;
  static const ObjectTable made = [] {
    TableBuilder<O> t("an operation: a trigger (at, after, on) and a signal or an action");
    t.field("at", &O::at, "Time since the start.").example("45m");
    t.field("after", &O::after, "When another operation is done, or drained.")
        .example("{operation: p30, until: drained, timeout: 1h}");
    t.field("on", &O::on, "When an alert enters a state.").example("{alert: ProjectionLag, state: firing}");
    t.field("reaction", &O::reaction,
            "Time from the alert to the act; oncall: when somebody acknowledges the firing, if it still fires then.")
        .absent_word("oncall")
        .example("5m");
    t.field("signal", &O::signal, "The signal to send.").example("PAUSE");
    t.field("action", &O::action, "The runbook action to take.").example("scale");
    t.field("as", &O::as, "Role of the actor.").example("Operator");
    t.field("reason", &O::reason, "Reason given; destructive signals need one.").example("maintenance");
    t.field("select", &O::select, "Which runs.").example("{status: RUNNING, fraction: 30%}");
    t.field("spread", &O::spread, "The signals go out over this time, evenly drawn.").example("30s");
    t.field("payload", &O::payload, "Payload of the signal beside its reason.").example("{stepId: a}");
    t.field("signalId", &O::signal_id, "One id for every signal of it: repeats are no-ops. Empty: fresh ones.")
        .example("s-1");
    t.field("repeat", &O::repeat, "Each signal is sent so many times, with the same id.")
        .example("2")
        .range(1, 1'000'000);
    t.field("target", &O::target,
            "scale: projector or outbox; restart: these or one of their members; replay-from-snapshot: projector, or "
            "outbox, bus, bus/<subscription>, whose dead letters it drives again.")
        .example("projector");
    t.field("to", &O::to, "scale: to so many.").example("10").range(1, 1'000);
    t.field("rate", &O::rate, "throttle: new runs go to the provider no faster; 0/s lifts the throttle.")
        .example("10/s");
    t.field("kind", &O::kind, "set-timeout: of this step kind, or kind/size.").example("spark");
    t.field("startToClose", &O::start_to_close,
            "set-timeout: to this, for every step scheduled from now on. Those under way keep theirs.")
        .example("2h")
        .above(Duration{});
    t.field("by", &O::by, "add-connections: so many more.").example("20").range(1, 100'000);
    t.field("fault", &O::fault, "heal: this fault.").example("slow");
    t.finish([](Reading& reading, const Node& node, O& operation) {
      check_trigger(reading, node, operation);
      check_action(reading, node, operation);
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Incident>() {
  static const ObjectTable made = [] {
    TableBuilder<Incident> t("the fault a release may cause");
    t.field("kind", &Incident::kind, "What goes wrong.").required().example("outage");
    t.field("target", &Incident::target, "Where.").required().example("api");
    t.field("for", &Incident::length,
            "How long, unless it is rolled back before: when somebody has acknowledged it (topology.oncall) and "
            "`rollback` "
            "has passed.")
        .required()
        .example("20m");
    t.field("factor", &Incident::factor, "latency, throttle: how much.").example("4").above(0).max(1e6);
    t.finish([](Reading& reading, const Node& node, Incident& incident) {
      const Node* written = node.find("target");
      if (written == nullptr) return;
      const auto target = parse_target(incident.target);
      if (!target.has_value()) return reading.error(written->mark, target.error());
      Release release;
      release.incident = incident;
      const Fault fault = *release.fault();
      check_fault_target(reading, node, fault);
      if (!info(fault.kind).has_length)
        reading.error(node.mark, fmt::format("kind: {} is over at once: a release's incident lasts until it is rolled "
                                             "back",
                                             word(fault.kind)));
      const auto& parameters = info(fault.kind).parameters;
      const bool scales = std::find(parameters.begin(), parameters.end(), "factor") != parameters.end();
      if (!scales && incident.factor != Incident{}.factor)
        reading.error(node.mark, fmt::format("\"factor\" has no meaning for kind: {}", word(fault.kind)));
      if (scales && incident.factor == Incident{}.factor)
        reading.error(node.mark, fmt::format("kind: {} needs a factor other than 1", word(fault.kind)));
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Release>() {
  using R = Release;
  static const ObjectTable made = [] {
    TableBuilder<R> t("a series of releases");
    t.field("every", &R::every, "Gap between them.").required().example("7d").above(Duration{});
    t.field("type", &R::type, "feature releases are frozen when the budget is exhausted; reliability releases are not.")
        .example("feature");
    t.field("risk", &R::risk, "Probability that a release causes its incident.").example("10%");
    t.field("incident", &R::incident, "The fault that a bad release causes.")
        .example("{kind: outage, target: api, for: 20m}");
    t.field("rollback", &R::rollback, "Time that rolling back takes, from the acknowledgement on.").example("5m");
    t.field("whenFrozen", &R::when_frozen,
            "What becomes of a frozen release: drop it, defer it (the ones that waited go out one by one), or batch it "
            "(all "
            "go out together, and the batch fails when any of them would have).")
        .example("defer");
    t.finish([](Reading& reading, const Node& node, R& release) {
      if (!release.incident && release.risk != Share{})
        reading.error(node.mark, "risk needs an incident: what happens when a release goes wrong");
    });
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<Advisory>() {
  static const ObjectTable made = [] {
    TableBuilder<Advisory> t("{deferRiskAbove}");
    t.field("deferRiskAbove", &Advisory::defer_risk_above, "In ADVISORY, releases riskier than this wait.")
        .example("20%");
    return t.build();
  }();
  return made;
}

template <>
const ObjectTable& table<BudgetPolicy>() {
  using B = BudgetPolicy;
  static const ObjectTable made = [] {
    TableBuilder<B> t("the error budget policy");
    t.field("objective", &B::objective, "The objective whose budget counts; only availability's is modelled.")
        .example("availability")
        .check([](const std::string& name) { return name == "availability"; }, "availability");
    t.field("window", &B::window, "Period of the budget.").example("rolling-30d");
    t.field("advisory", &B::advisory, "What ADVISORY does.").example("{deferRiskAbove: 20%}");
    t.field("recoverBelow", &B::recover_below, "EXHAUSTED ends when consumption is below this.").example("90%");
    t.field("enforce", &B::enforce, "false: states are reported, releases go on.").example("true");
    return t.build();
  }();
  return made;
}

}  // namespace dvt::sim
