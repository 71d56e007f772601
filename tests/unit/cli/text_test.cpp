// What users read: templates, tables, sizes, times, ports; and what they type: detach keys.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "cli/container_ports.h"
#include "cli/detach_keys.h"
#include "cli/exit_codes.h"
#include "cli/filters.h"
#include "cli/flags.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/manifest_draft.h"
#include "cli/multiplex.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

const char* const sample = R"({"Name":"web","Count":3,"Ratio":0.5,"On":true,"Nothing":null,
    "Tags":["a","b"],"Labels":{"z":"1","a":"<2>"},"State":{"Pid":42,"Log":[]}})";

std::string render(std::string_view text) { return GoTemplate(text).execute(Json::parse(sample)); }

std::string failure(std::string_view text) {
    try {
        render(text);
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

TEST(GoTemplate, FieldsAndHowValuesPrint) {
    EXPECT_EQ(render("{{.Name}} {{.State.Pid}} {{.Ratio}} {{.On}}"), "web 42 0.5 true");
    EXPECT_EQ(render("{{.Tags}} {{.Labels}} {{.Nothing}} {{$.Name}}"),
              "[a b] map[a:<2> z:1] <no value> web");
    EXPECT_EQ(render("{{json .Tags}} {{json .Name}} {{json .Labels}}"),
              "[\"a\",\"b\"] \"web\" {\"z\":\"1\",\"a\":\"\\u003c2\\u003e\"}");
}

TEST(GoTemplate, Branches) {
    EXPECT_EQ(
        render("{{if .On}}y{{else}}n{{end}}{{if .Nothing}}y{{else if .Count}}c{{else}}n{{end}}"),
        "yc");
    EXPECT_EQ(render("{{range .Tags}}<{{.}}>{{end}}{{range .State.Log}}x{{else}}none{{end}}"),
              "<a><b>none");
    EXPECT_EQ(render("{{range $i, $t := .Tags}}{{$i}}={{$t}},{{end}}"), "0=a,1=b,");
    EXPECT_EQ(render("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}"), "a=<2>;z=1;");
    EXPECT_EQ(render("{{with .State}}{{.Pid}}{{end}}{{with .Nothing}}x{{else}}-{{end}}"), "42-");
    EXPECT_EQ(render("{{$x := .Name}}{{range .Tags}}{{$x}}{{.}} {{end}}"), "weba webb ");
}

TEST(GoTemplate, FunctionsAndPipes) {
    EXPECT_EQ(render("{{.Name | upper | printf \"%s-%d\" }}"), "WEB-%!d(MISSING)");
    EXPECT_EQ(render("{{printf \"%-5s|%3d|%q\" .Name .Count .Name}}"), "web  |  3|\"web\"");
    EXPECT_EQ(
        render("{{len .Tags}}{{index .Tags 1}}{{index .Labels \"z\"}}{{(index .Tags 0) | title}}"),
        "2b1A");
    EXPECT_EQ(render("{{join .Tags \"+\"}} {{index (split \"x:y\" \":\") 1}} {{truncate .Name 2}} "
                     "{{pad .Name 1 2}}."),
              "a+b y we  web  .");
    EXPECT_EQ(
        render("{{if and .On (eq .Name \"db\" \"web\") (gt .Count 2) (not .Nothing)}}ok{{end}}"),
        "ok");
    EXPECT_EQ(render("{{println .Name .Count}}"), "web 3\n");
    EXPECT_EQ(render("{{\"a\\t\\x41\" }}{{`raw\\t`}}"), "a\tAraw\\t");
}

TEST(GoTemplate, TrimsAndSkipsComments) {
    EXPECT_EQ(render("a  {{- .Name -}}  b{{/* nothing }} */}}c"), "awebbc");
}

TEST(GoTemplate, SaysWhatIsWrong) {
    EXPECT_EQ(failure("{{.Name"), "template: :1: unclosed action");
    EXPECT_EQ(failure("{{.Foo}}"),
              "template: :1: executing \"\" at <.Foo>: map has no entry for key \"Foo\"");
    EXPECT_EQ(failure("{{foo .Name}}"), "template: :1: function \"foo\" not defined");
    EXPECT_EQ(failure("{{if .On}}x"), "template: :1: unexpected EOF");
    EXPECT_EQ(failure("x{{end}}"), "template: :1: unexpected {{end}}");
    for (const char* text : {"{{}}", "{{.Name | }}", "{{(.Name}}", "{{\"x}}", "{{$u}}", "{{else}}",
                             "{{index .Tags 9}}", "{{len .Count}}", "{{range .Count}}{{end}}",
                             "{{.Name.Foo}}", "{{.Name 1}}", "{{-1x}}"}) {
        EXPECT_NE(failure(text), "") << text;
    }
}

TEST(Listing, AlignsAsDockersTables) {
    EXPECT_EQ(align_columns("CONTAINER ID\tIMAGE\tNAMES\nabc\tbusybox:latest\tx\n"),
              "CONTAINER ID   IMAGE            NAMES\nabc            busybox:latest   x\n");
    EXPECT_EQ(align_columns("A\tB\n…\tx\n"), "A         B\n…         x\n");
    EXPECT_EQ(align_columns("UID\tCMD\nroot\tsh\n", 20, 3),
              "UID                 CMD\nroot                sh\n");
}

TEST(Listing, HeadersOfATableTemplate) {
    const GoTemplate format("{{upper .ID}}\t{{.Label \"com.x\"}}\t{{json .Name}}");
    EXPECT_EQ(format.execute_header({{"ID", "CONTAINER ID"}, {"Name", "NAMES"}}),
              "CONTAINER ID\tcom.x\tNAMES");
}

TEST(Listing, ShortensText) {
    EXPECT_EQ(short_id("sha256:0123456789abcdef"), "0123456789ab");
    EXPECT_EQ(short_id("<missing>"), "<missing>");
    EXPECT_EQ(ellipsis("sleep 1000000000000000 foo", 20), "sleep 1000000000000…");
    EXPECT_EQ(ellipsis("äöü", 3), "äöü");
}

TEST(Units, AsGoUnits) {
    EXPECT_EQ(human_size(0), "0B");
    EXPECT_EQ(human_size(4261234), "4.261MB");
    EXPECT_EQ(human_size(4261234, 3), "4.26MB");
    EXPECT_EQ(human_size(2048), "2.048kB");
    EXPECT_EQ(human_size(1e9), "1GB");
    EXPECT_EQ(binary_size(1536.0 * 1024), "1.5MiB");
    const std::pair<std::int64_t, std::string> cases[] = {
        {0, "Less than a second"}, {1, "1 second"},         {59, "59 seconds"},
        {60, "About a minute"},    {120, "2 minutes"},      {3599, "59 minutes"},
        {3600, "About an hour"},   {5400, "2 hours"},       {47 * 3600, "47 hours"},
        {48 * 3600, "2 days"},     {14 * 86400, "2 weeks"}, {60 * 86400, "2 months"},
        {730LL * 86400, "2 years"}};
    for (const auto& [seconds, text] : cases) EXPECT_EQ(human_duration(seconds), text) << seconds;
}

TEST(ContainerPorts, AsDockersColumn) {
    const auto column = [](const char* text) { return displayed_ports(Json::parse(text)); };
    EXPECT_EQ(column(R"([{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
                         {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"}])"),
              "443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
    EXPECT_EQ(
        column(
            R"([{"PrivatePort":91,"Type":"tcp"},{"PrivatePort":90,"Type":"tcp"},{"PrivatePort":99,"Type":"udp"}])"),
        "90-91/tcp, 99/udp");
    EXPECT_EQ(column(R"([{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":80,"Type":"tcp"},
                         {"IP":"0.0.0.0","PrivatePort":81,"PublicPort":81,"Type":"tcp"}])"),
              "0.0.0.0:80-81->80-81/tcp");
}

TEST(DetachKeys, Sequences) {
    EXPECT_EQ(parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
    EXPECT_EQ(parse_detach_keys("a,ctrl-@"), std::string("a\0", 2));
    EXPECT_THROW(parse_detach_keys("foo"), Error);
    DetachWatcher watcher("\x10\x11");
    std::string out;
    EXPECT_FALSE(watcher.feed("ab\x10", out));
    EXPECT_EQ(out, "ab");
    EXPECT_FALSE(watcher.feed("c\x10\x10", out));
    EXPECT_EQ(out,
              "ab\x10"
              "c\x10");
    EXPECT_TRUE(watcher.feed("\x11", out));
    DetachWatcher never("");
    EXPECT_FALSE(never.feed("\x10\x11", out));
}

TEST(Demultiplexer, FramesMayBeCutAnywhereAndKeepTheirOrder) {
    const std::string wire =
        std::string("\1\0\0\0\0\0\0\3out", 11) + std::string("\2\0\0\0\0\0\0\4oops", 12) +
        std::string("\1\0\0\0\0\0\0\0", 8) + std::string("\1\0\0\0\0\0\0\1!", 9);
    for (std::size_t step = 1; step <= wire.size(); ++step) {
        Demultiplexer demultiplexer;
        std::string said;
        const auto sink = [&](bool to_err, std::string_view text) {
            for (const char c : text) said += std::string(to_err ? "2" : "1") + c;
        };
        for (std::size_t at = 0; at < wire.size(); at += step) {
            demultiplexer.feed(std::string_view(wire).substr(at, step), sink);
        }
        EXPECT_EQ(said, "1o1u1t2o2o2p2s1!") << step;
    }
    Demultiplexer demultiplexer;
    EXPECT_THROW(demultiplexer.feed("HTTP/1.1 200", [](bool, std::string_view) {}), Error);
}

TEST(ExitCodes, FromTheEnginesWords) {
    EXPECT_EQ(start_failure_code("exec: \"foo\": executable file not found in $PATH"), 127);
    EXPECT_EQ(start_failure_code("exec: \"/x\": stat /x: no such file or directory"), 127);
    EXPECT_EQ(start_failure_code("exec /etc: Permission denied"), 126);
    EXPECT_EQ(start_failure_code("exec: \"/etc\": is a directory"), 126);
    EXPECT_EQ(start_failure_code("port is already allocated"), 125);
}

TEST(ManifestDrafts, AreOfOneNameEach) {
    const TempDir directory("/tmp", "brig-drafts");
    ::setenv("DOCKER_CONFIG", directory.path().c_str(), 1);
    ManifestDraft("x:1-2").save({{"schemaVersion", 2}});
    EXPECT_TRUE(ManifestDraft("x:1-2").exists());
    EXPECT_FALSE(ManifestDraft("x-1:2").exists());
    ManifestDraft("x:1-2").remove();
    EXPECT_FALSE(ManifestDraft("x:1-2").exists());
    ::unsetenv("DOCKER_CONFIG");
}

TEST(Filters, AsTheApiTakesThem) {
    Flags flags;
    std::vector<std::string> words;
    declare_filters(flags, "filter,f", words, "");
    flags.parse({"-f", "status=running", "--filter=status=exited", "-f", " Label = a=b ", "-f", ""},
                false);
    EXPECT_EQ(filters_parameter(words),
              R"({"status":{"running":true,"exited":true},"label":{"a=b":true}})");
    EXPECT_THROW(flags.parse({"-f", "status"}, false), Error);
    EXPECT_EQ(timestamp_parameter("2026-11-21T08:00:00.5Z"), "1795248000.500000000");
    EXPECT_EQ(timestamp_parameter("1795248000"), "1795248000.000000000");
    EXPECT_THROW(timestamp_parameter("yesterday"), Error);
}

}  // namespace
}  // namespace brig::cli
