// Whole builds: what is printed, what is cached, what the image's configuration becomes.
#include "fixture.h"
#include "image/import.h"
#include "support/tar_builder.h"

namespace brig::build {
namespace {

using Words = std::vector<std::string>;

TEST_P(BuildTest, SaysWhatTheClassicBuilderSays) {
    file("a", "1");
    const auto built =
        build("FROM scratch\nCOPY a /a\nRUN write /b two\nLABEL x=y\n", [](BuildRequest& request) {
            request.tags = {"test", "other:1"};
        });
    const auto id = built.image_id.substr(7, 12);
    EXPECT_EQ(built.count("Step 1/4 : FROM scratch\n ---> \n"), 1) << built.all;
    EXPECT_EQ(built.count("Step 2/4 : COPY a /a\n ---> "), 1) << built.all;
    EXPECT_EQ(built.count(" ---> Running in " + runner_.requests.at(0).id.substr(0, 12) +
                          "\n ---> Removed intermediate container "),
              1);
    EXPECT_TRUE(
        built.all.ends_with("Successfully built " + id +
                            "\nSuccessfully tagged test:latest\nSuccessfully tagged other:1\n"))
        << built.all;
    EXPECT_EQ(images_->resolve("test").id.str(), built.image_id);
    EXPECT_EQ(content(built, "a"), "1");
    EXPECT_EQ(content(built, "b"), "two");
    EXPECT_EQ(leftovers(), 0);
    // What mounting a container made is no part of the image.
    EXPECT_THROW(status(built, "proc"), Error);
    const auto config = image(built).config;
    EXPECT_EQ(config.diff_ids.size(), 2U);
    ASSERT_EQ(config.history.size(), 3U);
    EXPECT_EQ(config.history[1].created_by, "/bin/sh -c write /b two");
    EXPECT_FALSE(config.history[1].empty_layer);
    EXPECT_TRUE(config.history[2].empty_layer);
    EXPECT_EQ(config.history[2].created_by, "/bin/sh -c #(nop)  LABEL x=y");
    EXPECT_EQ(build("FROM scratch\nCOPY a /a\nRUN write /b two\nLABEL x=y\n",
                    [](BuildRequest& request) { request.quiet = true; })
                  .all,
              "");
}

TEST_P(BuildTest, CacheHitsUntilSomethingChanges) {
    const std::string text = "FROM scratch\nRUN write /a 1\nCOPY src /src\nRUN write /b 2\n";
    file("src/x", "1");
    const auto cold = build(text);
    EXPECT_EQ(cold.count("Using cache"), 0);
    const auto warm = build(text);
    EXPECT_EQ(warm.count("Using cache"), 3);
    EXPECT_EQ(warm.image_id, cold.image_id);
    EXPECT_EQ(runner_.requests.size(), 2U);
    // Times do not count; contents, modes and names do.
    fs::last_write_time(context() / "src/x",
                        fs::file_time_type::clock::now() - std::chrono::hours(1));
    EXPECT_EQ(build(text).count("Using cache"), 3);
    file("src/x", "2");
    EXPECT_EQ(build(text).count("Using cache"), 1);
    file("src/x", "1", 0755);
    EXPECT_EQ(build(text).count("Using cache"), 1);
    file("src/x", "1");
    EXPECT_EQ(build(text).count("Using cache"), 3);
    file("src/y", "");
    EXPECT_EQ(build(text).count("Using cache"), 1);
    EXPECT_EQ(
        build(text, [](BuildRequest& request) { request.no_cache = true; }).count("Using cache"),
        0);
    EXPECT_EQ(build("FROM scratch\nRUN write /a 1\nUSER x\n").count("Using cache"), 1);
}

TEST_P(BuildTest, CacheSurvivesANewBuilderAndForgetsRemovedImages) {
    const std::string text = "FROM scratch\nRUN write /a 1\n";
    const auto first = build(text);
    builder_ =
        std::make_unique<Builder>(Builder::Parts{*images_, *snapshots_, runner_, work_.path(), {}});
    EXPECT_EQ(build(text).count("Using cache"), 1);
    images_->remove(first.image_id, {});
    EXPECT_EQ(build(text).count("Using cache"), 0);
    builder_->prune();
    EXPECT_EQ(build(text).count("Using cache"), 0);
}

TEST_P(BuildTest, IgnoredFilesAreNeitherCopiedNorHashed) {
    file(".dockerignore", "*.log\nout\n!out/keep\n");
    file("a.log", "1");
    file("out/x", "1");
    file("out/keep", "kept");
    file("in", "in");
    const std::string text = "FROM scratch\nCOPY . /c/\n";
    const auto built = build(text);
    EXPECT_EQ(content(built, "c/in"), "in");
    EXPECT_EQ(content(built, "c/out/keep"), "kept");
    EXPECT_EQ(content(built, "c/out/x"), "<none>");
    EXPECT_EQ(content(built, "c/a.log"), "<none>");
    file("a.log", "2");
    EXPECT_EQ(build(text).count("Using cache"), 1);
    EXPECT_NE(failure("FROM scratch\nCOPY a.log /\n").find("excluded by .dockerignore"),
              std::string::npos);
}

TEST_P(BuildTest, ConfigurationFollowsTheInstructions) {
    const auto built = build(R"(FROM scratch
ENV A=1 B="two words"
ENV A=3 C=$A/$B
ENV old style value
WORKDIR /srv
WORKDIR app
USER nobody:1
EXPOSE 80 53/udp 8000-8001
VOLUME /data ["not", "json"
LABEL a=$C
STOPSIGNAL SIGINT
SHELL ["/bin/ash", "-ec"]
CMD run it
ENTRYPOINT ["/x"]
HEALTHCHECK --interval=1m30s --retries=2 CMD ["ok"]
ONBUILD RUN write /trigger 1
MAINTAINER me)");
    const auto stored = image(built).config;
    const auto& config = stored.config;
    EXPECT_EQ(config.env,
              (Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=3",
                     "B=two words", "C=1/two words", "old=style value"}));
    EXPECT_EQ(config.working_dir, "/srv/app");
    EXPECT_EQ(config.user, "nobody:1");
    EXPECT_EQ(config.exposed_ports,
              (std::set<std::string>{"80/tcp", "53/udp", "8000/tcp", "8001/tcp"}));
    EXPECT_EQ(config.volumes.count("/data"), 1U);
    EXPECT_EQ(config.labels.at("a"), "1/two words");
    EXPECT_EQ(config.stop_signal, "SIGINT");
    EXPECT_EQ(config.cmd, (Words{"/bin/ash", "-ec", "run it"}));
    EXPECT_EQ(config.entrypoint, Words{"/x"});
    ASSERT_TRUE(config.health_check);
    EXPECT_EQ(config.health_check->test, (Words{"CMD", "ok"}));
    EXPECT_EQ(config.health_check->interval, std::chrono::seconds(90));
    EXPECT_EQ(stored.author, "me");
    EXPECT_EQ(config.on_build, Words{"RUN write /trigger 1"});
    EXPECT_TRUE(S_ISDIR(status(built, "srv/app").st_mode));

    // A child runs the trigger, keeps the rest, and a new entry point drops the inherited command.
    images_->tag(built.image_id, "base");
    const auto child = build("FROM base\nENTRYPOINT /y\n");
    EXPECT_EQ(child.count("# Executing 1 build trigger\n"), 1);
    EXPECT_EQ(content(child, "trigger"), "1");
    EXPECT_TRUE(image(child).config.config.cmd.empty());
    EXPECT_TRUE(image(child).config.config.on_build.empty());
    EXPECT_EQ(runner_.requests.back().cwd, "/srv/app");
    EXPECT_EQ(runner_.requests.back().user, "nobody:1");
    EXPECT_EQ(runner_.requests.back().args.front(), "/bin/ash");
}

TEST_P(BuildTest, BuildArgs) {
    const std::string text =
        "ARG BASE=scratch\nFROM $BASE\nARG A=default\nARG B\nARG BASE\nRUN print a=$A\nENV "
        "SEEN=$A$BASE\n";
    const auto plain = build(text);
    EXPECT_EQ(image(plain).config.config.env.back(), "SEEN=defaultscratch");
    const auto& env = runner_.requests.back().env;
    EXPECT_NE(std::find(env.begin(), env.end(), "A=default"), env.end());
    EXPECT_EQ(plain.count("Step 1/7 : ARG BASE=scratch\nStep 2/7 : FROM $BASE\n"), 1) << plain.all;
    const auto given = build(text, [](BuildRequest& request) {
        request.build_args = {{"A", "x"}, {"UNUSED", "y"}, {"HTTP_PROXY", "p"}};
    });
    EXPECT_EQ(image(given).config.config.env.back(), "SEEN=xscratch");
    EXPECT_EQ(given.count("[Warning] One or more build-args [UNUSED] were not consumed\n"), 1);
    EXPECT_EQ(given.count("Using cache"), 3);  // the ARGs; then RUN sees another value
    EXPECT_EQ(runner_.requests.back().env.back(), "HTTP_PROXY=p");
    EXPECT_EQ(image(given).config.history[3].created_by,
              "|2 A=x BASE=scratch /bin/sh -c print a=$A");
    // Proxies are no part of the cache's key.
    EXPECT_EQ(build(text,
                    [](BuildRequest& request) {
                        request.build_args = {{"A", "x"}, {"HTTP_PROXY", "q"}};
                    })
                  .count("Using cache"),
              5);
}

TEST_P(BuildTest, StagesAndTargets) {
    file("src", "source");
    const std::string text =
        "FROM scratch AS build\nCOPY src /out/src\nRUN write /out/made new\nFROM build AS "
        "middle\nRUN write /mid 1\n"
        "FROM scratch\nCOPY --from=build /out/ /got/\nCOPY --from=1 /mid /m\n";
    const auto built = build(text);
    EXPECT_EQ(content(built, "got/src"), "source");
    EXPECT_EQ(content(built, "got/made"), "new");
    EXPECT_EQ(content(built, "m"), "1");
    EXPECT_EQ(content(built, "out/src"), "<none>");
    EXPECT_EQ(build(text).count("Using cache"), 5);
    const auto target = build(text, [](BuildRequest& request) { request.target = "build"; });
    EXPECT_EQ(content(target, "out/made"), "new");
    EXPECT_EQ(target.count("/3 : "), 3);
    EXPECT_NE(failure(text, [](BuildRequest& request) { request.target = "nope"; })
                  .find("target stage \"nope\" could not be found"),
              std::string::npos);
    EXPECT_NE(failure("FROM scratch\nCOPY --from=nope /a /\n").find("invalid from flag value nope"),
              std::string::npos);
    EXPECT_EQ(leftovers(), 0);
}

TEST_P(BuildTest, AnImageHereForAnotherPlatformIsNotTheOneAskedFor) {
    const std::string here = oci::Platform::host().str(),
                      other = oci::Platform::host().os + "/s390x";
    const auto import = [&](const std::string& platform) {
        const auto tar = ::brig::testing::TarBuilder().file("which", platform).finish();
        const auto source = archive::from_memory(tar);
        return image::import_tar(
            *images_, *source,
            {.name = oci::Reference::parse("two:1"), .platform = oci::Platform::parse(platform)});
    };
    std::vector<std::string> pulled;
    builder_ = std::make_unique<Builder>(
        Builder::Parts{*images_, *snapshots_, runner_, work_.path(),
                       [&](const std::string& reference, const BuildRequest& request, Progress&) {
                           pulled.push_back(reference + " " + request.platform);
                           import(request.platform);
                       }});
    const auto for_here = [&](BuildRequest& request) { request.platform = here; };
    const auto id = import(other).id.str();
    const auto says = "is for " + other + ", not for " + here + " as asked";
    for (const auto& asked : {id, id.substr(7)}) {
        const auto in_copy =
            failure("FROM scratch\nCOPY --from=" + asked + " /which /\n", for_here);
        EXPECT_NE(in_copy.find(says), std::string::npos) << in_copy;
        const auto in_from = failure("FROM " + asked + "\nENV a=b\n", for_here);
        EXPECT_NE(in_from.find(says), std::string::npos) << in_from;
    }
    EXPECT_EQ(pulled, Words{}) << "no registry knows an ID";
    const auto built = build("FROM scratch\nCOPY --from=two:1 /which /\n", for_here);
    EXPECT_EQ(content(built, "which"), here);
    EXPECT_EQ(pulled, Words{"two:1 " + here});
    build("FROM scratch\nCOPY --from=two:1 /which /\n", for_here);
    EXPECT_EQ(pulled.size(), 1U) << "it is here now";
}

TEST_P(BuildTest, Heredocs) {
    const auto built = build(
        "FROM scratch\nENV X=y\nCOPY <<A <<'B' /d/\n$X\nA\n$X\nB\nRUN <<EOF\nwrite /e f\nEOF\n");
    EXPECT_EQ(content(built, "d/A"), "y\n");
    EXPECT_EQ(content(built, "d/B"), "$X\n");
    EXPECT_EQ(runner_.requests.back().args.back(), "write /e f\n");
}

TEST_P(BuildTest, FailuresNameThePlaceAndLeaveNothing) {
    const std::vector<std::pair<std::string, std::string>> table{
        {"FROM scratch\n\nRUN exit 3\n",
         "Dockerfile:3: The command '/bin/sh -c exit 3' returned a non-zero code: 3"},
        {"FROM scratch\nCOPY missing /x\n",
         "Dockerfile:2: COPY failed: file not found in build context or excluded by .dockerignore: "
         "stat missing: file does not exist"},
        {"FROM scratch\nCOPY ../x /x\n",
         "Dockerfile:2: COPY failed: forbidden path outside the build context: ../x ()"},
        {"FROM scratch\nADD http://x/y /x\n",
         "Dockerfile:2: ADD failed: ADD from http://x/y is not supported yet: fetch it in a RUN, "
         "or before the build and COPY it"},
        {"FROM nothere\n",
         "Dockerfile:1: FROM failed: no such image: nothere; make it with `brig load`, `brig "
         "import` or `brig image bootstrap`"},
        {"FROM ${X}\n", "Dockerfile:1: FROM failed: base name (${X}) should not be blank"},
        {"FROM scratch\n", "Dockerfile: no image was generated: FROM scratch and nothing else"},
        {"FROM scratch\nENV A=${B\n",
         "Dockerfile:2: ENV failed: failed to process \"${B\": syntax error: missing '}'"},
        {"FROM scratch\nEXPOSE http\n", "Dockerfile:2: EXPOSE failed: invalid containerPort: http"},
        {"FROM scratch\nSTOPSIGNAL SIGNOPE\n",
         "Dockerfile:2: STOPSIGNAL failed: invalid signal: SIGNOPE"},
        {"FROM scratch\nRUN --mount=type=cache,target=/x y\n",
         "Dockerfile:2: RUN failed: the --mount option of RUN is not supported yet"},
        {"FROM scratch\nCOPY --chown=who a /\n",
         "Dockerfile:2: COPY failed: unable to convert uid/gid chown string to host mapping: can't "
         "find uid for user who: no such user in the image"},
        {"FROM scratch\nCOPY --chmod=9 a /\n",
         "Dockerfile:2: COPY failed: invalid chmod parameter: '9'. it should be octal string and "
         "between 0 and 07777"},
    };
    file("a", "1");
    for (const auto& [text, message] : table) EXPECT_EQ(failure(text), message);
    EXPECT_EQ(leftovers(), 0);
    EXPECT_EQ(failure("FROM scratch\nUSER a\n",
                      [](BuildRequest& request) { request.tags = {"Bad Name"}; })
                  .find("invalid reference format"),
              0U);
    auto request = request_in(context());
    Transcript transcript;
    EXPECT_THROW(builder_->build(request, transcript), Error);  // no Dockerfile
    request.dockerfile = "../Dockerfile";
    EXPECT_THROW(builder_->build(request, transcript), Error);
    transcript.cancel = true;
    request.dockerfile_text = "FROM scratch\nUSER a\n";
    request.dockerfile = "Dockerfile";
    EXPECT_THROW(builder_->build(request, transcript), Error);
}

TEST_P(BuildTest, ACrashLeavesNoSnapshotBehindForLong) {
    snapshots_->prepare("build-0123", std::nullopt);
    snapshots_->prepare("container", std::nullopt);
    builder_ =
        std::make_unique<Builder>(Builder::Parts{*images_, *snapshots_, runner_, work_.path(), {}});
    EXPECT_FALSE(snapshots_->stat("build-0123"));
    EXPECT_TRUE(snapshots_->stat("container"));
}

TEST_P(BuildTest, LabelsFromOutsideAreAStep) {
    const auto built = build("FROM scratch\nUSER a\n", [](BuildRequest& request) {
        request.labels = {{"k", "v w"}};
    });
    EXPECT_EQ(built.count("Step 3/3 : LABEL k=v w\n"), 1) << built.all;
    EXPECT_EQ(image(built).config.config.labels.at("k"), "v w");
}

INSTANTIATE_TEST_SUITE_P(Drivers, BuildTest, ::testing::ValuesIn(brig::testing::drivers()));

}  // namespace
}  // namespace brig::build
