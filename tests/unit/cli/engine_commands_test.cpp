// Whole commands against a stub of an engine: what is asked, in which order, and what comes out.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "cli/build_context.h"
#include "cli/registry_login.h"
#include "unit/cli/captured.h"
#include "unit/cli/engine_stub.h"

namespace brig::cli {
namespace {

using test::brig_with;
using test::EngineStub;
using test::Outcome;
using Rules = std::vector<EngineStub::Rule>;

std::string frame(char stream, const std::string& text) {
    return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(text.size())} + text;
}

EngineStub::Rule attach_that_says(const std::string& output) {
    return {"POST /containers/abc/attach", EngineStub::upgrade(),
            [output](int fd) { EngineStub::say(fd, output); }};
}

Rules container_that_exits_with(const std::string& status, const std::string& output) {
    return {
        {"POST /containers/create",
         EngineStub::json(201, R"({"Id":"abc","Warnings":["mind"]})"),
         {}},
        attach_that_says(output),
        {"POST /containers/abc/wait", EngineStub::json(200, "{\"StatusCode\":" + status + "}"), {}},
        {"POST /containers/abc/start", "HTTP/1.1 204 No Content\r\n\r\n", {}}};
}

std::size_t position(const std::vector<std::string>& requests, std::string_view start) {
    const auto it = std::ranges::find_if(
        requests, [&](const auto& request) { return request.starts_with(start); });
    return static_cast<std::size_t>(it - requests.begin());
}

TEST(Run, ShowsTheOutputAndExitsAsTheContainer) {
    EngineStub engine(container_that_exits_with("7", frame(1, "out\n") + frame(2, "err\n")));
    const Outcome o =
        brig_with(engine.socket(), {"run", "--rm", "--name", "n", "img", "sh", "-c", "x"});
    EXPECT_EQ(o.code, 7);
    EXPECT_EQ(o.out, "out\n");
    EXPECT_EQ(o.err, "WARNING: mind\nerr\n");
    const auto requests = engine.requests();
    ASSERT_EQ(requests.size(), 4U);
    EXPECT_TRUE(requests[0].starts_with("POST /containers/create?name=n {\"Image\":\"img\""));
    EXPECT_NE(requests[0].find("\"AutoRemove\":true"), std::string::npos);
    // Attached and waiting before it starts: not a byte and no exit can be missed.
    EXPECT_EQ(position(requests, "POST /containers/abc/start"), 3U);
    EXPECT_LT(position(requests, "POST /containers/abc/attach?stream=1&stdout=1&stderr=1"), 3U);
    EXPECT_LT(position(requests, "POST /containers/abc/wait?condition=removed"), 3U);
}

TEST(Run, SendsStandardInputAndItsEnd) {
    std::string received;
    Rules rules = container_that_exits_with("0", "");
    rules[1].raw = [&received](int fd) {
        char byte = 0;
        while (::read(fd, &byte, 1) == 1) received += byte;
        EngineStub::say(fd, frame(1, "done\n"));
    };
    {
        EngineStub engine(rules);
        const Outcome o = brig_with(engine.socket(), {"run", "-i", "img", "cat"}, "typed\n");
        EXPECT_EQ(o.out, "done\n");
        EXPECT_EQ(o.code, 0);
    }
    EXPECT_EQ(received, "typed\n");
}

TEST(Run, DetachedPrintsTheId) {
    EngineStub engine(container_that_exits_with("0", ""));
    const Outcome o = brig_with(engine.socket(), {"run", "-d", "img"});
    EXPECT_EQ(o.out, "abc\n");
    EXPECT_EQ(engine.requests().size(), 2U);
}

TEST(Run, AStartThatFailsHasDockersExitCode) {
    for (const auto& [said, code] :
         {std::pair{"exec: \\\"x\\\": executable file not found in $PATH", 127},
          {"exec: \\\"/etc\\\": is a directory", 126},
          {"port is already allocated", 125}}) {
        Rules rules = container_that_exits_with("0", "");
        rules[3].answer = EngineStub::json(400, std::string("{\"message\":\"") + said + "\"}");
        EngineStub engine(rules);
        const Outcome o = brig_with(engine.socket(), {"run", "img", "x"});
        EXPECT_EQ(o.code, code);
        EXPECT_TRUE(o.err.starts_with("WARNING: mind\nbrig: Error response from daemon: "))
            << o.err;
    }
}

TEST(Run, AMissingImageIsPulledAndThatFailureShown) {
    EngineStub engine({{"POST /containers/create",
                        EngineStub::json(404, R"({"message":"No such image: img:latest"})"),
                        {}},
                       {"POST /images/create?fromImage=img&tag=latest",
                        EngineStub::json(501, R"({"message":"no pull yet"})"),
                        {}}});
    const Outcome o = brig_with(engine.socket(), {"run", "img"});
    EXPECT_EQ(o.code, 125);
    EXPECT_EQ(o.err,
              "Unable to find image 'img:latest' locally\nbrig: Error response from daemon: no "
              "pull yet\n\n"
              "Run 'brig run --help' for more information\n");
}

TEST(Exec, ExitsAsTheCommand) {
    EngineStub engine({{"POST /containers/c/exec", EngineStub::json(201, R"({"Id":"e1"})"), {}},
                       {"POST /exec/e1/start", EngineStub::upgrade(),
                        [](int fd) { EngineStub::say(fd, frame(1, "hi\n")); }},
                       {"GET /exec/e1/json", EngineStub::json(200, R"({"ExitCode":3})"), {}}});
    const Outcome o = brig_with(engine.socket(), {"exec", "-e", "A=1", "c", "sh", "-x"});
    EXPECT_EQ(o.code, 3);
    EXPECT_EQ(o.out, "hi\n");
    EXPECT_EQ(
        engine.requests()[0],
        R"(POST /containers/c/exec {"AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,)"
        R"("Cmd":["sh","-x"],"Env":["A=1"]})");
}

TEST(Logs, SplitsTheStreams) {
    const std::string body = frame(1, "out\n") + frame(2, "err\n");
    EngineStub engine({{"GET /containers/c/logs?stdout=1&stderr=1&tail=5",
                        "HTTP/1.1 200 OK\r\nContent-Type: "
                        "application/vnd.docker.multiplexed-stream\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body,
                        {}}});
    const Outcome o = brig_with(engine.socket(), {"logs", "-n", "5", "c"});
    EXPECT_EQ(o.out, "out\n");
    EXPECT_EQ(o.err, "err\n");
}

TEST(Rm, GoesOnAfterAFailure) {
    EngineStub engine({{"DELETE /containers/a",
                        EngineStub::json(404, R"({"message":"No such container: a"})"),
                        {}},
                       {"DELETE /containers/b", "HTTP/1.1 204 No Content\r\n\r\n", {}}});
    Outcome o = brig_with(engine.socket(), {"rm", "a", "b"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.out, "b\n");
    EXPECT_EQ(o.err, "Error response from daemon: No such container: a\n");
    o = brig_with(engine.socket(), {"rm", "-f", "a"});
    EXPECT_EQ(o.code, 0);
}

TEST(Inspect, TriesEveryKindAndFailsAsDocker) {
    const std::string missing = EngineStub::json(404, R"({"message":"no such thing"})");
    EngineStub engine({{"GET /volumes/v", EngineStub::json(200, R"({"Name":"v","Labels":{}})"), {}},
                       {"GET /", missing, {}}});
    Outcome o = brig_with(engine.socket(), {"inspect", "v", "w"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.out, "[\n    {\n        \"Name\": \"v\",\n        \"Labels\": {}\n    }\n]\n");
    EXPECT_EQ(o.err, "Error: No such object: w\n");
    o = brig_with(engine.socket(), {"image", "inspect", "w"});
    EXPECT_EQ(o.err, "Error response from daemon: no such thing\n");
}

TEST(Build, StreamsTheContextAndReportsTheFailure) {
    const TempDir context("/tmp", "brig-context");
    write_file_atomic(context.path() / "Dockerfile", "FROM x\n");
    write_file_atomic(context.path() / "keep", "kept bytes");
    write_file_atomic(context.path() / "drop.log", "dropped bytes");
    write_file_atomic(context.path() / ".dockerignore", "*.log\nDockerfile\n");
    const std::string messages =
        "{\"stream\":\"Step 1/1 : FROM x\\n\"}\r\n"
        "{\"errorDetail\":{\"code\":2,\"message\":\"it broke\"},\"error\":\"it broke\"}\r\n";
    EngineStub engine({{"POST /build?t=n&dockerfile=Dockerfile&buildargs=%7B%22A%22%3A%22b%22%7D",
                        EngineStub::json(200, messages),
                        {}}});
    const Outcome o = brig_with(
        engine.socket(), {"build", "-t", "n", "--build-arg", "A=b", context.path().string()});
    EXPECT_EQ(o.code, 2);
    EXPECT_EQ(o.err, "it broke\n");
    EXPECT_NE(o.out.find("Step 1/1 : FROM x\n"), std::string::npos);
    const std::string sent = engine.requests().at(0);
    EXPECT_NE(sent.find("kept bytes"), std::string::npos);
    EXPECT_NE(sent.find("FROM x\n"), std::string::npos);
    EXPECT_EQ(sent.find("dropped bytes"), std::string::npos);
}

TEST(Build, DockerfilesFromElsewhere) {
    const TempDir context("/tmp", "brig-context");
    const TempDir elsewhere("/tmp", "brig-elsewhere");
    write_file_atomic(context.path() / "sub.Dockerfile", "FROM inside\n");
    write_file_atomic(elsewhere.path() / "D", "FROM outside\n");
    const auto no_input = [] { return std::string("FROM stdin\n"); };
    const std::string directory = context.path().string();
    EXPECT_EQ(prepare_context(directory, directory + "/sub.Dockerfile", no_input).dockerfile,
              "sub.Dockerfile");
    const auto outside = prepare_context(directory, (elsewhere.path() / "D").string(), no_input);
    EXPECT_TRUE(outside.adds_dockerfile && outside.dockerfile.starts_with(".dockerfile.") &&
                outside.dockerfile_text == "FROM outside\n");
    EXPECT_EQ(prepare_context(directory, "-", no_input).dockerfile_text, "FROM stdin\n");
    EXPECT_THROW(prepare_context(directory, "", no_input), Error);
    EXPECT_THROW(prepare_context(directory + "/nope", "", no_input), Error);
    EXPECT_TRUE(looks_like_archive("\x1f\x8b\x08"));
    EXPECT_FALSE(looks_like_archive("FROM x\n"));
}

TEST(OutputFile, OnlyOrdinaryFilesAreReplaced) {
    const TempDir directory("/tmp", "brig-output");
    const std::string pipe = directory.path() / "pipe", link = directory.path() / "link",
                      file = directory.path() / "file";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    write_file_atomic(file, "kept");
    std::filesystem::create_symlink("file", link);
    for (const auto& [command, said] : std::map<std::string, std::string>{
             {"save", "failed to save image"}, {"export", "failed to export container"}}) {
        const Rules rules{{"GET", EngineStub::json(200, "archive"), {}}};
        const auto to = [&](const std::string& path) {
            EngineStub engine(rules);
            return brig_with(engine.socket(), {command, "-o", path, "x"});
        };
        EXPECT_EQ(to(pipe).err, said + ": cannot write to a named pipe (FIFO)\n");
        EXPECT_EQ(to(link).err, said + ": cannot write to a symbolic link directly\n");
        EXPECT_EQ(to(directory.path()).err, said + ": cannot write to a directory\n");
        EXPECT_TRUE(std::filesystem::is_fifo(pipe));
        EXPECT_EQ(read_file(file), "kept");
        const std::string made = directory.path() / command;
        EXPECT_EQ(to(made).code, 0);
        EXPECT_EQ(read_file(made), "archive");
    }
}

TEST(Tag, MistakesAreSaidBeforeTheEngineIsAsked) {
    EngineStub engine({});
    const auto o = brig_with(engine.socket(), {"tag", "x", "BAD:1"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err,
              "Error parsing reference: \"BAD:1\" is not a valid repository/tag: invalid reference "
              "format: repository name (library/BAD) must be lowercase\n");
    EXPECT_EQ(brig_with(engine.socket(), {"tag", "", "y"}).err,
              "Error parsing reference: \"\" is not a valid repository/tag: invalid reference "
              "format\n");
    EXPECT_TRUE(engine.requests().empty());
    const std::string id(64, 'a');
    for (const auto& known : {id, "sha256:" + id, std::string("x@sha256:") + id})
        brig_with(engine.socket(), {"tag", known, "y"});
    EXPECT_EQ(engine.requests().size(), 3U);
}

TEST(Login, ALinkToTheFileStaysOne) {
    const TempDir directory("/tmp", "brig-login");
    std::filesystem::create_directory(directory.path() / "elsewhere");
    write_file_atomic(directory.path() / "elsewhere/config.json", R"({"detachKeys":"ctrl-x"})");
    const auto link = directory.path() / "config.json";
    std::filesystem::create_symlink("elsewhere/config.json", link);
    LoginStore(link).save("localhost:5000", {.username = "u", .secret = "p"});
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_NE(read_file(directory.path() / "elsewhere/config.json").find("ctrl-x"),
              std::string::npos);
    EXPECT_EQ(LoginStore(link).find("localhost:5000")->secret, "p");
}

}  // namespace
}  // namespace brig::cli
