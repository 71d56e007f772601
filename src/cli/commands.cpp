// The table of commands. To add one: declare its function in commands.h, add a line here, write
// its file; help, usage errors and argument counts come from the line.
#include "cli/commands.h"

namespace brig::cli {
namespace {

constexpr int any = -1;

// Names, usage, summary, least and most arguments, function, flags end at the first positional,
// failures are 125.
constexpr Command table[] = {
    {"run|container run", "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     "Create a container from an image and run it", 1, any, run, true, true},
    {"exec|container exec", "[OPTIONS] CONTAINER COMMAND [ARG...]",
     "Run a command in a running container", 2, any, exec, true},
    {"ps|container ls|container list|container ps", "[OPTIONS]", "List containers", 0, 0, ps},
    {"build|image build", "[OPTIONS] PATH | -", "Build an image from a Dockerfile", 1, 1, build},
    {"images|image ls|image list", "[OPTIONS] [REPOSITORY[:TAG]]", "List images", 0, 1, images},
    {"attach|container attach", "[OPTIONS] CONTAINER",
     "Attach our input and output to a running container", 1, 1, attach},
    {"commit|container commit", "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
     "Make an image of a container's changes", 1, 2, commit},
    {"cp|container cp",
     "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- or SRC_PATH|- CONTAINER:DEST_PATH",
     "Copy files between a container and this machine", 2, 2, copy},
    {"create|container create", "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     "Create a container without starting it", 1, any, create, true, true},
    {"diff|container diff", "CONTAINER", "List what a container changed in its image's files", 1, 1,
     diff},
    {"events|system events", "[OPTIONS]", "Print what happens in the engine, as it happens", 0, 0,
     events},
    {"export|container export", "[OPTIONS] CONTAINER", "Write a container's files to a tar archive",
     1, 1, export_container},
    {"history|image history", "[OPTIONS] IMAGE", "Show the layers of an image and what made them",
     1, 1, history},
    {"import|image import", "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
     "Make an image from a tar archive of a file system", 1, 2, import},
    {"info|system info", "[OPTIONS]", "Describe the engine and its host", 0, 0, info},
    {"inspect", "[OPTIONS] NAME|ID [NAME|ID...]",
     "Print all that is known of containers, images, volumes or networks", 1, any, inspect},
    {"kill|container kill", "[OPTIONS] CONTAINER [CONTAINER...]", "Kill running containers", 1, any,
     kill},
    {"load|image load", "[OPTIONS]", "Load images from a tar archive", 0, 0, load},
    {"login", "[OPTIONS] [SERVER]", "Log in to a registry", 0, 1, login},
    {"logout", "[SERVER]", "Forget the credentials for a registry", 0, 1, logout},
    {"logs|container logs", "[OPTIONS] CONTAINER", "Print a container's log", 1, 1, logs},
    {"pause|container pause", "CONTAINER [CONTAINER...]", "Pause all processes of containers", 1,
     any, pause},
    {"port|container port", "CONTAINER [PRIVATE_PORT[/PROTO]]",
     "List a container's published ports", 1, 2, port},
    {"pull|image pull", "[OPTIONS] NAME[:TAG|@DIGEST]", "Fetch an image from a registry", 1, 1,
     pull},
    {"push|image push", "[OPTIONS] NAME[:TAG]", "Send an image to a registry", 1, 1, push},
    {"rename|container rename", "CONTAINER NEW_NAME", "Rename a container", 2, 2, rename},
    {"restart|container restart", "[OPTIONS] CONTAINER [CONTAINER...]",
     "Stop containers and start them again", 1, any, restart},
    {"rm|container rm|container remove", "[OPTIONS] CONTAINER [CONTAINER...]", "Remove containers",
     1, any, rm},
    {"rmi|image rm|image remove", "[OPTIONS] IMAGE [IMAGE...]", "Remove images", 1, any, rmi},
    {"save|image save", "[OPTIONS] IMAGE [IMAGE...]", "Write images to a tar archive", 1, any,
     save},
    {"start|container start", "[OPTIONS] CONTAINER [CONTAINER...]", "Start stopped containers", 1,
     any, start},
    {"stats|container stats", "[OPTIONS] [CONTAINER...]", "Show what containers use of the machine",
     0, any, stats},
    {"stop|container stop", "[OPTIONS] CONTAINER [CONTAINER...]", "Stop running containers", 1, any,
     stop},
    {"tag|image tag", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", "Give an image another name", 2, 2,
     tag},
    {"top|container top", "CONTAINER [ps OPTIONS]", "List the processes of a container", 1, any,
     top, true},
    {"unpause|container unpause", "CONTAINER [CONTAINER...]",
     "Continue all processes of containers", 1, any, unpause},
    {"update|container update", "[OPTIONS] CONTAINER [CONTAINER...]",
     "Change limits and restart policy of containers", 1, any, update},
    {"version", "[OPTIONS]", "Print the versions of brig and of the engine", 0, 0, version_command},
    {"wait|container wait", "CONTAINER [CONTAINER...]",
     "Wait until containers stop and print their exit codes", 1, any, wait},
    {"container inspect", "[OPTIONS] CONTAINER [CONTAINER...]",
     "Print all that is known of containers", 1, any, container_inspect},
    {"container prune", "[OPTIONS]", "Remove all stopped containers", 0, 0, container_prune},
    {"image bootstrap", "[OPTIONS] SYSTEM",
     "Make a base image: busybox, debian:SUITE or freebsd:RELEASE", 1, 1, bootstrap},
    {"image inspect", "[OPTIONS] IMAGE [IMAGE...]", "Print all that is known of images", 1, any,
     image_inspect},
    {"image prune", "[OPTIONS]", "Remove unused images", 0, 0, image_prune},
    {"network inspect", "[OPTIONS] NETWORK [NETWORK...]", "Print all that is known of networks", 1,
     any, network_inspect},
    {"network ls|network list", "[OPTIONS]", "List networks", 0, 0, network_list},
    {"system df", "[OPTIONS]", "Show what the engine uses of the disk", 0, 0, system_df},
    {"volume create", "[OPTIONS] [VOLUME]", "Create a volume", 0, 1, volume_create},
    {"volume inspect", "[OPTIONS] VOLUME [VOLUME...]", "Print all that is known of volumes", 1, any,
     volume_inspect},
    {"volume ls|volume list", "[OPTIONS]", "List volumes", 0, 0, volume_list},
    {"volume prune", "[OPTIONS]", "Remove unused volumes", 0, 0, volume_prune},
    {"volume rm|volume remove", "[OPTIONS] VOLUME [VOLUME...]", "Remove volumes", 1, any,
     volume_rm},
};

constexpr Group group_table[] = {
    {"container", "Manage containers"}, {"image", "Manage images"},
    {"network", "Manage networks"},     {"system", "Manage the engine"},
    {"volume", "Manage volumes"},
};

}  // namespace

std::span<const Command> commands() { return table; }
std::span<const Group> groups() { return group_table; }

}  // namespace brig::cli
