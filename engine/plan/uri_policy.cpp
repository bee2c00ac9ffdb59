// The address check of plan references. It reads hosts the way lenient fetchers do, so that 169.254.169.254 is found
// behind 2852039166, 0xA9FEA9FE, 0251.0376.0251.0376 or [::ffff:a9fe:a9fe]; whatever it cannot read it refuses.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include "engine/base/assert.h"
#include "engine/plan/plan_ref.h"

namespace dvt::engine {

namespace {

using Ipv6 = std::array<std::uint16_t, 8>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return c >= 'a' && c <= 'z';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view digits, int base) {
  Integer value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

/// One part of an IPv4 address as inet_aton reads it: 0x… hex, 0… octal, otherwise decimal.
std::optional<std::uint64_t> parse_ipv4_part(std::string_view part) {
  if (part.starts_with("0x")) return part.size() == 2 ? 0 : parse_integer<std::uint64_t>(part.substr(2), 16);
  if (part.size() > 1 && part.front() == '0') return parse_integer<std::uint64_t>(part.substr(1), 8);
  return parse_integer<std::uint64_t>(part, 10);
}

/// A host whose last label is a number is an address, never a name.
bool looks_like_ipv4(std::string_view host) {
  const std::string_view last = split(host, '.').back();
  return last.starts_with("0x") || (!last.empty() && std::all_of(last.begin(), last.end(), is_digit));
}

std::optional<std::uint32_t> parse_ipv4(std::string_view host) {
  const std::vector<std::string_view> parts = split(host, '.');
  if (parts.size() > 4) return std::nullopt;
  std::uint64_t address = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::optional<std::uint64_t> part = parse_ipv4_part(parts[i]);
    // The last part fills what the others leave: 127.1 is 127.0.0.1.
    const unsigned bits = i + 1 == parts.size() ? 8 * (4 - static_cast<unsigned>(i)) : 8;
    if (!part || *part >> bits != 0) return std::nullopt;
    address = address << bits | *part;
  }
  return static_cast<std::uint32_t>(address);
}

/// `text` without brackets. Zone ids are not read: they belong to link-local addresses only.
std::optional<Ipv6> parse_ipv6(std::string_view text) {
  const auto read_groups = [](std::string_view half, std::vector<std::uint16_t>& groups) {
    if (half.empty()) return true;
    const std::vector<std::string_view> parts = split(half, ':');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 == parts.size() && parts[i].find('.') != std::string_view::npos) {
        const std::optional<std::uint32_t> tail = parse_ipv4(parts[i]);
        if (!tail) return false;
        groups.push_back(static_cast<std::uint16_t>(*tail >> 16));
        groups.push_back(static_cast<std::uint16_t>(*tail & 0xffff));
        continue;
      }
      const std::optional<std::uint16_t> group = parse_integer<std::uint16_t>(parts[i], 16);
      if (!group || parts[i].size() > 4) return false;
      groups.push_back(*group);
    }
    return true;
  };

  std::vector<std::uint16_t> head;
  std::vector<std::uint16_t> tail;
  const std::size_t gap = text.find("::");
  if (!read_groups(text.substr(0, gap), head)) return std::nullopt;
  if (gap == std::string_view::npos) {
    if (head.size() != 8) return std::nullopt;
  } else if (!read_groups(text.substr(gap + 2), tail) || head.size() + tail.size() > 7) {
    return std::nullopt;
  }
  Ipv6 address{};
  std::copy(head.begin(), head.end(), address.begin());
  std::copy(tail.rbegin(), tail.rend(), address.rbegin());
  return address;
}

/// Everything that is not a public unicast address: no plan store lives there.
bool is_denied_ipv4(std::uint32_t address) {
  struct Range {
    std::uint32_t base;
    int prefix;
  };
  static constexpr Range kDenied[] = {
      {0x00000000, 8},   // this network
      {0x0a000000, 8},   // private
      {0x64400000, 10},  // carrier-grade NAT; 100.100.100.200 is a metadata endpoint
      {0x7f000000, 8},   // loopback
      {0xa9fe0000, 16},  // link-local; 169.254.169.254 is a metadata endpoint
      {0xac100000, 12},  // private
      {0xc0000000, 24},  // protocol assignments; 192.0.0.192 is a metadata endpoint
      {0xc0a80000, 16},  // private
      {0xc6120000, 15},  // benchmarking
      {0xe0000000, 3},   // multicast, reserved, broadcast
  };
  return std::any_of(std::begin(kDenied), std::end(kDenied),
                     [address](const Range& range) { return (address ^ range.base) >> (32 - range.prefix) == 0; });
}

bool is_denied_ipv6(const Ipv6& address) {
  const auto ipv4_at = [&address](std::size_t group) {
    return static_cast<std::uint32_t>(address[group]) << 16 | address[group + 1];
  };
  const bool zeros_to_5 = std::all_of(address.begin(), address.begin() + 5, [](std::uint16_t g) { return g == 0; });
  if (zeros_to_5 && address[5] == 0xffff) return is_denied_ipv4(ipv4_at(6));  // ::ffff:a.b.c.d
  if (zeros_to_5 && address[5] == 0) return true;                             // ::, ::1, ::a.b.c.d
  if (address[0] == 0x0064 && address[1] == 0xff9b) return true;              // NAT64
  if (address[0] == 0x2002) return is_denied_ipv4(ipv4_at(1));                // 6to4
  return (address[0] & 0xfe00) == 0xfc00      // unique local; fd00:ec2::254 is a metadata endpoint
         || (address[0] & 0xff80) == 0xfe80   // link-local and, from fec0, site-local
         || (address[0] & 0xff00) == 0xff00;  // multicast
}

bool is_or_is_under(std::string_view host, std::string_view domain) {
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

bool is_denied_name(std::string_view host) {
  static constexpr std::string_view kDenied[] = {"localhost", "localdomain",   "local",    "internal",
                                                 "home.arpa", "metadata.goog", "metadata", "instance-data"};
  return std::any_of(std::begin(kDenied), std::end(kDenied),
                     [host](std::string_view domain) { return is_or_is_under(host, domain); });
}

/// Letters, digits, '-', '_' in labels that are not empty.
bool is_host_name(std::string_view host) {
  for (const std::string_view label : split(host, '.')) {
    const bool spelled = std::all_of(label.begin(), label.end(),
                                     [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
    if (label.empty() || !spelled) return false;
  }
  return true;
}

bool is_port(std::string_view port) {
  const std::optional<std::uint16_t> number = parse_integer<std::uint16_t>(port, 10);
  return number && *number != 0;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

UriViolation check_host(std::string_view scheme, std::string host) {
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return UriViolation::malformed;
    const std::optional<Ipv6> address = parse_ipv6(std::string_view(host).substr(1, host.size() - 2));
    if (!address) return UriViolation::malformed;
    return is_denied_ipv6(*address) ? UriViolation::denied_host : UriViolation::none;
  }
  if (host.ends_with('.')) host.pop_back();  // the root's dot: "localhost." is localhost
  if (!is_host_name(host)) return UriViolation::malformed;
  if (looks_like_ipv4(host)) {
    const std::optional<std::uint32_t> address = parse_ipv4(host);
    if (!address) return UriViolation::malformed;
    return is_denied_ipv4(*address) ? UriViolation::denied_host : UriViolation::none;
  }
  if (is_denied_name(host)) return UriViolation::denied_host;
  // A bare name resolves on the local network only; a bucket or a plan is a bare name rightly.
  if (scheme == "https" && host.find('.') == std::string::npos) return UriViolation::denied_host;
  return UriViolation::none;
}

}  // namespace

std::string_view to_string(UriViolation violation) {
  switch (violation) {
    case UriViolation::none:
      return "none";
    case UriViolation::malformed:
      return "malformed";
    case UriViolation::scheme_not_allowed:
      return "scheme_not_allowed";
    case UriViolation::denied_host:
      return "denied_host";
    case UriViolation::host_not_listed:
      return "host_not_listed";
  }
  DVT_ASSERT(false, "unknown UriViolation");
}

UriViolation check_uri(std::string_view uri, const UriPolicy& policy) {
  // Fetchers strip or turn around such characters each in its own way; none belongs into an address.
  for (const char c : uri)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f || c == '\\')
      return UriViolation::malformed;

  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0) return UriViolation::malformed;
  const std::string scheme = lower(uri.substr(0, colon));
  if (!contains(policy.schemes, scheme)) return UriViolation::scheme_not_allowed;

  std::string_view rest = uri.substr(colon + 1);
  if (!rest.starts_with("//")) return UriViolation::malformed;
  rest.remove_prefix(2);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return UriViolation::malformed;

  const std::size_t bracket = authority.rfind(']');
  const std::size_t port_at = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (port_at != std::string_view::npos) {
    if (!is_port(authority.substr(port_at + 1))) return UriViolation::malformed;
    authority = authority.substr(0, port_at);
  }
  const std::string host = lower(authority);
  if (host.empty()) return UriViolation::malformed;
  const UriViolation violation = check_host(scheme, host);
  if (violation != UriViolation::none) return violation;
  if (!policy.hosts.empty() && !contains(policy.hosts, host)) return UriViolation::host_not_listed;
  return UriViolation::none;
}

Result<void, PlanRefError> require_allowed_uri(std::string_view uri, const UriPolicy& policy) {
  if (check_uri(uri, policy) != UriViolation::none) return failure(PlanRefError::uri_not_allowed);
  return success();
}

}  // namespace dvt::engine
