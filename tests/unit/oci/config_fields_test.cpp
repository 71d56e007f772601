// A walk over every property of config.json: it is read and kept, or refused by name, or said to be
// for other platforms. None is passed over in silence.
#include "unit/oci/config_fields.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "oci/runtime_spec.h"

namespace brig::oci {
namespace {

using nlohmann::json;
using test::config_fields;
using test::ConfigField;
using test::Fate;
using testing::HasSubstr;

/// "a.b[].c" → {"a": {"b": [{"c": value}]}}
json nested(const std::vector<std::string>& names, std::size_t at, const json& value) {
    if (at == names.size()) return value;
    std::string name = names[at];
    const bool array = name.ends_with("[]");
    if (array) name.resize(name.size() - 2);
    json inner = nested(names, at + 1, value);
    if (array) inner = json::array({inner});
    return {{name, inner}};
}

json document(const ConfigField& field, const json& value) {
    json out = nested(split(field.path, '.'), 0, value);
    out.emplace("ociVersion", "1.2.0");
    if (!std::string_view(field.path).starts_with("hooks.")) return out;
    for (auto& list : out["hooks"])  // what a hook must have
        list.front().emplace("path", "/x");
    return out;
}

/// What is at the place of `path`, or null.
json look_up(json here, const std::string& path) {
    for (std::string name : split(path, '.')) {
        const bool array = name.ends_with("[]");
        if (array) name.resize(name.size() - 2);
        if (!here.is_object() || !here.contains(name)) return nullptr;
        here = json(here[name]);
        if (array) here = here.empty() ? json() : json(here.front());
    }
    return here;
}

std::string refusal(const json& document) {
    try {
        runtime_spec_from_json(document.dump());
    } catch (const Error& e) {
        return e.message();
    }
    return "accepted";
}

/// "mounts[].type" as errors have it.
std::string named(std::string path) {
    for (std::size_t at = 0; (at = path.find("[]")) != std::string::npos;) path.erase(at, 2);
    return path;
}

TEST(ConfigFields, AreReadAndWrittenAgain) {
    for (const ConfigField& field : config_fields) {
        if (field.fate != Fate::read) continue;
        const json value = json::parse(field.value);
        const auto spec = runtime_spec_from_json(document(field, value).dump());
        EXPECT_EQ(look_up(json::parse(to_json(spec)), field.path), value) << field.path;
    }
}

TEST(ConfigFields, AreNamedWhenTheirTypeIsWrong) {
    for (const ConfigField& field : config_fields) {
        if (field.fate != Fate::read) continue;
        EXPECT_THAT(refusal(document(field, json::array({json::array()}))),
                    HasSubstr(named(field.path)))
            << field.path;
    }
}

TEST(ConfigFields, AreNamedWhenTheyAreRefused) {
    for (const ConfigField& field : config_fields) {
        if (field.fate != Fate::refused) continue;
        const auto names = split(named(field.path), '.');
        const std::string section = names.size() == 1 ? names[0] : names[0] + "." + names[1];
        EXPECT_THAT(refusal(document(field, json::parse(field.value))), HasSubstr(section))
            << field.path;
    }
}

TEST(ConfigFields, OfOtherPlatformsAreSaidToHaveNoEffect) {
    for (const ConfigField& field : config_fields) {
        if (field.fate != Fate::ignored) continue;
        testing::internal::CaptureStderr();
        EXPECT_EQ(refusal(document(field, json::parse(field.value))), "accepted") << field.path;
        EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("has no effect"))
            << field.path;
    }
}

/// Collects the paths of all properties of a JSON schema whose files are in one directory.
class Schema {
public:
    explicit Schema(std::filesystem::path directory) : directory_(std::move(directory)) {
        walk("config-schema.json", file("config-schema.json"), "");
    }
    std::set<std::string> paths;

private:
    const json& file(const std::string& name) {
        auto& known = files_[name];
        if (known.is_null()) known = json::parse(read_file(directory_ / name));
        return known;
    }

    void walk_reference(const std::string& from, const std::string& reference,
                        const std::string& path) {
        auto [name, pointer] = split_once(reference, '#');
        if (name.empty()) name = from;
        walk(name, file(name)[json::json_pointer(pointer.value_or(""))], path);
    }

    void walk(const std::string& from, const json& node, const std::string& path) {
        if (node.contains("$ref")) return walk_reference(from, node["$ref"], path);
        bool leaf = true;
        for (const char* word : {"anyOf", "allOf", "oneOf"}) {
            for (const json& choice : node.value(word, json::array())) {
                walk(from, choice, path);
                leaf = false;
            }
        }
        const auto below = [&](const json& inner, const std::string& more) {
            walk(from, inner, path.empty() ? more : path + (more == "[]" ? "" : ".") + more);
            leaf = false;
        };
        const json properties = node.value("properties", json::object());
        for (const auto& [name, inner] : properties.items()) below(inner, name);
        for (const json& inner : node.value("patternProperties", json::object())) below(inner, "*");
        if (node.contains("additionalProperties") && node["additionalProperties"].is_object())
            below(node["additionalProperties"], "*");
        if (node.contains("items") && node["items"].is_object()) below(node["items"], "[]");
        if (leaf) paths.insert(path);
    }

    std::filesystem::path directory_;
    std::map<std::string, json> files_;
};

/// Some sections have one fate as a whole.
bool is_known(const std::string& path) {
    return std::ranges::any_of(config_fields, [&](const ConfigField& field) {
        return path == field.path ||
               (field.value == std::string_view("{}") && path.starts_with(field.path));
    });
}

// Against the specification itself, whose next version this is to notice:
// BRIG_OCI_SCHEMA=runtime-spec/schema unit_oci
TEST(ConfigFields, AreAllThatTheSpecificationHas) {
    const char* directory = std::getenv("BRIG_OCI_SCHEMA");
    if (directory == nullptr) GTEST_SKIP() << "set BRIG_OCI_SCHEMA to the specification's schema";
    const Schema schema(directory);
    EXPECT_GT(schema.paths.size(), 150U);
    for (const std::string& path : schema.paths) EXPECT_TRUE(is_known(path)) << path;
}

}  // namespace
}  // namespace brig::oci
