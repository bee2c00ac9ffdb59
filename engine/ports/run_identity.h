// Who a run is: made once by the API, shared by everybody who speaks of the run.
#pragma once

#include <memory>
#include <string>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace dvt {

struct RunIdentity {
  RunOrdinal run;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  Uuid run_id;
  std::string run_id_text;
  std::string tenant_id;
  std::string project_id;
  std::string environment_id;
};
using RunIdentityRef = std::shared_ptr<const RunIdentity>;

}  // namespace dvt
