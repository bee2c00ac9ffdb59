// A dbt manifest (v1 to v12), reduced to what a plan needs. Only sim/import/dbt.cpp and tests read it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dvt::sim {

/// Which map of the manifest a node stands in. Only `nodes` has what may become a step; the others (sources, exposures,
/// metrics, semantic models, saved queries, unit tests, functions) are known so that dependencies can pass through.
enum class DbtSection : std::uint8_t { nodes, others };

struct DbtNode {
  std::string unique_id;
  DbtSection section = DbtSection::nodes;
  std::string resource_type;
  std::string package_name;
  std::string materialized;  // config.materialized; empty when absent
  std::vector<std::string> depends_on;
  bool is_ephemeral() const { return resource_type == "model" && materialized == "ephemeral"; }
};

struct DbtManifest {
  int version = 0;
  std::string dbt_version;
  std::string adapter_type;
  std::string project_name;  // empty before dbt 1.5 or so
  std::string invocation_id;
  std::vector<DbtNode> nodes;  // in the manifest's order: `nodes` first, then the other maps
  std::map<std::string, std::size_t, std::less<>> by_id;
  std::set<std::string, std::less<>> disabled;

  /// nullptr when the manifest has no such node, or has it as disabled only.
  const DbtNode* find(std::string_view unique_id) const;
  /// Precondition: `node` is an element of `nodes`.
  std::size_t index_of(const DbtNode& node) const { return static_cast<std::size_t>(&node - nodes.data()); }
  bool is_disabled(std::string_view unique_id) const { return disabled.contains(unique_id); }
};

/// The failure is one sentence: where and why this is no manifest that can be read.
Result<DbtManifest, std::string> read_dbt_manifest(std::string_view text);

/// The N of `https://schemas.getdbt.com/dbt/<artifact>/vN.json`; the failure says what stands there instead, or that N
/// is not in 1..newest.
Result<int, std::string> dbt_schema_version(std::string_view url, std::string_view artifact, int newest);

}  // namespace dvt::sim
