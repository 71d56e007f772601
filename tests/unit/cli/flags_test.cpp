// Flag parsing in pflag's manner.
#include "cli/flags.h"

#include <gtest/gtest.h>

namespace brig::cli {
namespace {

struct Parsed {
    bool tty = false;
    bool interactive = false;
    bool remove = true;
    std::vector<std::string> env;
    std::string name;
    std::optional<std::int64_t> memory, tail;
    std::vector<std::string> rest;
    bool help = false;
};

Parsed parse(const std::vector<std::string>& arguments, bool stop = true,
             bool with_hostname = false) {
    Parsed parsed;
    std::string hostname;
    Flags flags;
    flags.toggle("tty,t", parsed.tty, "")
        .toggle("interactive,i", parsed.interactive, "")
        .toggle("rm", parsed.remove, "");
    flags.list("env,e", parsed.env, "").text("name", parsed.name, "");
    flags.bytes("memory,m", parsed.memory, "").number("tail,n", parsed.tail, "");
    if (with_hostname) flags.text("hostname,h", hostname, "");
    parsed.rest = flags.parse(arguments, stop);
    parsed.help = flags.help_requested();
    return parsed;
}

std::string failure(const std::vector<std::string>& arguments) {
    try {
        parse(arguments);
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

using Words = std::vector<std::string>;

TEST(Flags, CombinedShortFlagsAndValuesInEveryForm) {
    const Parsed p = parse({"-it", "-eA=1", "-e=B=2", "-e", "C=3", "--env=D=4", "--env", "E",
                            "-itm5m", "--rm=false", "img"});
    EXPECT_TRUE(p.tty && p.interactive);
    EXPECT_FALSE(p.remove);
    EXPECT_EQ(p.env, (Words{"A=1", "B=2", "C=3", "D=4", "E"}));
    EXPECT_EQ(p.memory, 5 << 20);
    EXPECT_EQ(p.rest, Words{"img"});
}

TEST(Flags, ThePositionalEndsThemWhereACommandFollows) {
    EXPECT_EQ(parse({"-t", "img", "-i", "--rm"}).rest, (Words{"img", "-i", "--rm"}));
    EXPECT_TRUE(parse({"a", "-t", "b"}, false).tty);
    EXPECT_EQ(parse({"a", "-t", "b"}, false).rest, (Words{"a", "b"}));
    EXPECT_EQ(parse({"--", "-t"}, false).rest, Words{"-t"});
    EXPECT_EQ(parse({"-"}, false).rest, Words{"-"});
}

TEST(Flags, AValueMayLookLikeAFlag) {
    EXPECT_EQ(parse({"--name", "-x"}).name, "-x");
    EXPECT_EQ(parse({"-n", "-1"}).tail, -1);
}

TEST(Flags, HelpIsHUnlessACommandHasIt) {
    EXPECT_TRUE(parse({"-h"}).help);
    EXPECT_TRUE(parse({"--help"}, true, true).help);
    EXPECT_FALSE(parse({"-h", "name"}, true, true).help);
}

TEST(Flags, FailuresInDockersWords) {
    EXPECT_EQ(failure({"--foo"}), "unknown flag: --foo");
    EXPECT_EQ(failure({"-itz"}), "unknown shorthand flag: 'z' in -z");
    EXPECT_EQ(failure({"--name"}), "flag needs an argument: --name");
    EXPECT_EQ(failure({"-ie"}), "flag needs an argument: 'e' in -e");
    EXPECT_EQ(failure({"-m", "abc"}),
              "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'");
    EXPECT_EQ(failure({"--rm=foo"}),
              "invalid argument \"foo\" for \"--rm\" flag: strconv.ParseBool: parsing \"foo\": "
              "invalid syntax");
    EXPECT_EQ(failure({"-n", "x"}),
              "invalid argument \"x\" for \"-n, --tail\" flag: strconv.ParseInt: parsing \"x\": "
              "invalid syntax");
}

}  // namespace
}  // namespace brig::cli
