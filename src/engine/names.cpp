// Names in docker's manner: a mood and somebody to whom systems like this one owe something.
#include "engine/names.h"

#include <array>
#include <random>

#include "base/error.h"

namespace brig::engine {
namespace {

constexpr std::array<std::string_view, 40> moods{
    "able",    "brisk",  "calm",    "candid", "clever", "cosy",  "daring", "eager",
    "earnest", "fair",   "fleet",   "fond",   "gentle", "glad",  "hardy",  "honest",
    "jolly",   "keen",   "kind",    "lively", "loyal",  "lucid", "merry",  "mild",
    "modest",  "nimble", "patient", "placid", "plucky", "proud", "quick",  "quiet",
    "sage",    "serene", "sturdy",  "tidy",   "trusty", "vivid", "warm",   "witty"};

constexpr std::array<std::string_view, 40> surnames{
    "allman",    "bernstein", "bostic",     "cerf",       "corbato", "diffie",  "dijkstra",
    "engelbart", "fabry",     "floyd",      "hamilton",   "hamming", "hoare",   "hopper",
    "joy",       "karels",    "kernighan",  "kirk",       "knuth",   "lamport", "leffler",
    "liskov",    "lovelace",  "mckusick",   "mcilroy",    "merkle",  "naur",    "ossanna",
    "perlman",   "pike",      "postel",     "quarterman", "ritchie", "saltzer", "schroeder",
    "shannon",   "stevens",   "stroustrup", "thompson",   "turing"};

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string check_name(std::string_view name) {
    const std::string_view given = name;
    if (name.starts_with('/')) name.remove_prefix(1);
    bool good = name.size() >= 2 && name.size() <= 255 && is_alphanumeric(name.front());
    for (const char c : name)
        good = good && (is_alphanumeric(c) || c == '_' || c == '.' || c == '-');
    if (!good) {
        throw Error(ErrorKind::invalid_argument,
                    "Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                    given);
    }
    return std::string(name);
}

std::string random_name(int attempt) {
    thread_local std::minstd_rand engine{std::random_device{}()};
    const auto pick = [&](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine);
    };
    std::string name =
        fmt::format("{}_{}", moods[pick(moods.size())], surnames[pick(surnames.size())]);
    if (attempt > 0) name += std::to_string(pick(10));
    if (attempt > 3) name += std::to_string(pick(1'000'000));
    return name;
}

}  // namespace brig::engine
