// Images as Docker's API describes them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/http.h"
#include "image/store.h"

namespace brig::api {

/// An entry of GET /images/json.
nlohmann::json image_summary(const image::Image& image, const Request& request);
/// GET /images/NAME/json. `driver` is the snapshotter's name.
nlohmann::json image_details(const image::Image& image, const std::string& driver,
                             const Request& request);
/// An entry of GET /images/NAME/history.
nlohmann::json history_item(const image::HistoryItem& item);

}  // namespace brig::api
