/* What Linux images with musl (Alpine's C library) ask of the kernel before anything else: its loader, a thread with
 * its own storage, the user database, a directory, a pipe to a child. Prints "musl SYSTEM USER". */
#include <dirent.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static __thread int own = 1;

static void* thread(void* result) {
    own = 2;
    *(int*)result = own;
    return NULL;
}

static int child_says(int wanted) {
    int ends[2], said = 0, status = 1;
    if (pipe(ends) != 0) return 0;
    pid_t pid = fork();
    if (pid == 0) _exit(write(ends[1], &wanted, sizeof(wanted)) != sizeof(wanted));
    if (read(ends[0], &said, sizeof(said)) != sizeof(said)) return 0;
    return waitpid(pid, &status, 0) == pid && status == 0 && said == wanted;
}

int main(void) {
    pthread_t other;
    int seen = 0;
    if (pthread_create(&other, NULL, thread, &seen) != 0 || pthread_join(other, NULL) != 0) return 2;
    if (seen != 2 || own != 1) return 3;
    if (!child_says(42)) return 4;
    DIR* root = opendir("/");
    if (root == NULL || readdir(root) == NULL) return 5;
    struct utsname system;
    struct passwd* user = getpwuid(getuid());
    if (uname(&system) != 0 || user == NULL) return 6;
    printf("musl %s %s\n", system.sysname, user->pw_name);
    return 0;
}
