/* The floor under every runner: N commands, P at a time, and nothing else: no file is read, nothing is put on record.
 *
 *     cc -O2 -o floor floor.c && ./floor N P COMMAND LOGS FOLDER
 *
 * COMMAND: `direct` executes `true` itself, `shell` has `sh` do it, `pipe` is a pipe in strict bash whose result goes
 * to FOLDER/out/NUMBER. LOGS: how many log files below FOLDER/logs each command writes to: 0, 1 (for both streams), 2.
 * The environment is the runner's own, so that the commands cost what they cost under any other.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static const char PIPE[] = "seq 9 | sort -r > out/%d";

static int is(const char *word, const char *other) { return strcmp(word, other) == 0; }

static void give_up(const char *what) {
    fprintf(stderr, "floor: %s\n", what);
    exit(2);
}

/* Where the streams of a command go, opened between fork and exec. */
static void direct_streams(posix_spawn_file_actions_t *actions, int logs, const char *folder, int number) {
    static char path[4096];
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;

    posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    for (int stream = 1; stream <= logs; stream++) {
        snprintf(path, sizeof path, "%s/logs/%d.%d", folder, number, stream);
        posix_spawn_file_actions_addopen(actions, stream, path, flags, 0644); /* copies the path */
    }
    if (logs == 1)
        posix_spawn_file_actions_adddup2(actions, 1, 2);
}

static void start(const char *kind, int logs, const char *folder, int number) {
    static char text[128];
    char *direct[] = {"true", NULL};
    char *shell[] = {"sh", "-c", "true", NULL};
    char *pipe[] = {"bash", "-euo", "pipefail", "-c", text, NULL};
    char **words = is(kind, "direct") ? direct : is(kind, "shell") ? shell : pipe;
    const char *program = is(kind, "direct") ? "/bin/true" : is(kind, "shell") ? "/bin/sh" : "/bin/bash";
    posix_spawn_file_actions_t actions;
    pid_t child;

    snprintf(text, sizeof text, PIPE, number);
    posix_spawn_file_actions_init(&actions);
    direct_streams(&actions, logs, folder, number);
    if (posix_spawn(&child, program, &actions, NULL, words, environ))
        give_up("cannot start a command");
    posix_spawn_file_actions_destroy(&actions);
}

int main(int count, char **words) {
    int total, most, started = 0, ended = 0;

    if (count != 6)
        give_up("usage: floor N P direct|shell|pipe 0|1|2 FOLDER");
    total = atoi(words[1]);
    most = atoi(words[2]);
    while (ended < total) {
        int status;
        for (; started < total && started - ended < most; started++)
            start(words[3], atoi(words[4]), words[5], started);
        if (wait(&status) < 0 || status)
            give_up("a command failed");
        ended++;
    }
    return 0;
}
