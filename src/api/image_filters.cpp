// Values of one key are alternatives, but labels have to be there all; keys add up.
#include "api/image_filters.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "engine/filters.h"
#include "oci/glob.h"

namespace brig::api {
namespace {

using image::Image;
using Values = std::vector<std::string>;
using Test = std::function<bool(const Image&)>;

/// A pattern without a tag stands for the repository with any tag, as "busy*" in docker.
bool name_matches(const std::string& pattern, const std::string& familiar) {
    if (oci::glob_match(pattern, familiar)) return true;
    const auto colon = familiar.rfind(':');
    const auto at = familiar.find('@');
    return oci::glob_match(pattern, familiar.substr(0, std::min(at, colon)));
}

std::function<bool(const std::string&)> matches_any(const Values& patterns) {
    return [patterns](const std::string& name) {
        return std::ranges::any_of(patterns, [&](const auto& p) { return name_matches(p, name); });
    };
}

Test by_reference(const Values& patterns) {
    return [matches = matches_any(patterns)](const Image& image) {
        return std::ranges::any_of(image.tags, matches) ||
               std::ranges::any_of(image.digests, matches);
    };
}

/// An image that is asked for by one of its names is not shown under the others.
void keep_names(std::vector<Image>& images, const Values& patterns) {
    const auto matches = matches_any(patterns);
    for (auto& image : images) {
        std::erase_if(image.tags, std::not_fn(matches));
        std::erase_if(image.digests, std::not_fn(matches));
    }
}

Test by_dangling(const Values& values) {
    const auto wanted = engine::truth_of({{"dangling", values}}, "dangling");
    return [wanted = wanted.value()](const Image& image) { return image.tags.empty() == wanted; };
}

Test by_label(const std::string& key, const Values& labels) {
    return [filters = engine::Filters{{key, labels}}](const Image& image) {
        return engine::matches_labels(image.config.config.labels, filters);
    };
}

Test by_age(const std::optional<Instant>& limit, bool older) {
    return [limit, older](const Image& image) {
        if (!limit || !image.config.created) return false;
        return older ? *image.config.created < *limit : *image.config.created > *limit;
    };
}

Test test_for(const std::string& key, const Values& values, const image::Store& store) {
    if (key == "reference") return by_reference(values);
    if (key == "dangling") return by_dangling(values);
    if (key == "label" || key == "label!") return by_label(key, values);
    if (key == "before") return by_age(store.resolve(values.front()).config.created, true);
    if (key == "since") return by_age(store.resolve(values.front()).config.created, false);
    if (key == "until") return by_age(engine::until_of({{key, values}}), true);
    throw Error(ErrorKind::invalid_argument, "invalid filter '{}'", key);
}

}  // namespace

std::vector<Image> filter_images(std::vector<Image> images, const image::Store& store,
                                 const engine::Filters& filters) {
    for (const auto& [key, values] : filters) {
        if (values.empty()) continue;
        const auto test = test_for(key, values, store);
        std::erase_if(images, [&](const Image& image) { return !test(image); });
    }
    const auto references = filters.find("reference");
    if (references != filters.end() && !references->second.empty())
        keep_names(images, references->second);
    return images;
}

}  // namespace brig::api
