#include "store/sqlite/outbox_book.h"

namespace dvt::store {

void OutboxBook::push() {
  entries_.emplace_back();
}

void OutboxBook::restore(const OutboxEntry& entry) {
  const std::uint64_t position = end();
  entries_.push_back(entry);
  fresh_ = end();
  if (entry.state == OutboxState::delivered || entry.state == OutboxState::dead) {
    ++resolved_;
  } else {
    set_alarm(position);
  }
  drop_settled_front();
}

void OutboxBook::drop_settled_front() {
  while (!entries_.empty() && !live(base_)) {
    entries_.pop_front();
    ++base_;
    --resolved_;
  }
}

bool OutboxBook::live(std::uint64_t position) const {
  const OutboxState state = at(position).state;
  return state == OutboxState::pending || state == OutboxState::leased;
}

void OutboxBook::touch(std::uint64_t position) {
  OutboxEntry& entry = entry_at(position);
  if (entry.touched) return;
  entry.touched = true;
  touched_.push_back(position);
}

void OutboxBook::clear_touched() {
  for (const std::uint64_t position : touched_) {
    if (has(position)) entry_at(position).touched = false;
  }
  touched_.clear();
}

void OutboxBook::set_alarm(std::uint64_t position) {
  const OutboxEntry& entry = at(position);
  alarms_.push(Alarm{entry.time, position, entry.version});
}

std::uint64_t OutboxBook::claim(std::uint32_t relay, Instant now, Instant until) {
  while (!alarms_.empty() && alarms_.top().time <= now) {
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    if (current(alarm.position, alarm.version)) due_.push(Due{alarm.position, alarm.version});
  }
  // Who waits in due_ may have been delivered or given back by its former owner meanwhile.
  while (!due_.empty() && !current(due_.top().position, due_.top().version)) due_.pop();

  if (fresh_ < base_) fresh_ = base_;
  while (fresh_ < end() && !live(fresh_)) ++fresh_;  // resolved without a claim
  std::uint64_t position = 0;
  if (!due_.empty()) {
    position = due_.top().position;
    due_.pop();
  } else if (fresh_ < end()) {
    position = fresh_++;
  } else {
    return 0;
  }
  OutboxEntry& entry = entry_at(position);
  entry.state = OutboxState::leased;
  entry.time = until;
  entry.owner = relay;
  ++entry.version;
  touch(position);
  set_alarm(position);
  return position;
}

bool OutboxBook::resolve(std::uint64_t position, OutboxState state, Instant now) {
  if (position < base_) {
    if (!has(position)) return false;
    touch(position);
    redriven_.erase(position);
    return true;
  }
  if (!live(position)) return false;
  OutboxEntry& entry = entries_[position - base_];
  entry.state = state;
  entry.time = now;
  ++entry.version;
  touch(position);
  ++resolved_;
  drop_settled_front();
  return true;
}

void OutboxBook::give_back(std::uint64_t position, Instant now) {
  OutboxEntry& entry = entry_at(position);
  entry.state = OutboxState::pending;
  entry.time = now;
  ++entry.version;
  touch(position);
  set_alarm(position);
}

bool OutboxBook::retry(std::uint64_t position, Instant not_before) {
  if (!has(position) || at(position).state != OutboxState::leased) return false;
  OutboxEntry& entry = entry_at(position);
  entry.state = OutboxState::pending;
  entry.time = not_before;
  ++entry.attempts;
  ++entry.version;
  touch(position);
  set_alarm(position);
  return true;
}

void OutboxBook::redrive(std::uint64_t position, Instant now) {
  OutboxEntry fresh;
  fresh.time = now;
  if (position >= base_) {
    fresh.version = at(position).version + 1;
    fresh.touched = at(position).touched;
    entries_[position - base_] = fresh;
    --resolved_;
  } else {
    fresh.version = ++redrives_ << 16;
    redriven_.emplace(position, fresh);
  }
  touch(position);
  set_alarm(position);
}

void OutboxBook::restore_redriven(std::uint64_t position, const OutboxEntry& entry) {
  redriven_.emplace(position, entry);
  set_alarm(position);
}

}  // namespace dvt::store
