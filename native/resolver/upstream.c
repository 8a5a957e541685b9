/*
 * resolver/upstream.c: see upstream.h. Each question goes to the first server, after a second also to the next, or at once where one refuses or cannot be
 * reached; the first good answer wins. Each attempt has a socket, and so a random port, of its own, and each question a random id.
 */
#include "upstream.h"

#include "../base/cleanup.h"
#include "../companion/companion.h"
#include "sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define STEP_MS 1000
#define TIMEOUT_MS 8000
#define MOST_FORWARDS 1024    /* of one container */
#define MOST_TCP_FORWARDS 128 /* their answers may be large */
#define ROUNDS 2              /* a datagram that was lost is sent again */

struct servers upstream_servers;

struct attempt {
    struct attempt *next;
    struct forward *forward;
    int fd;
    size_t sent;    /* over TCP: of the question with its length */
    uint8_t *reply; /* over TCP: with its length; NULL until that is known */
    uint8_t prefix[2];
    size_t received, expected;
};

struct forward {
    struct forward *next, **link;         /* of the attachment */
    struct forward *later, *sooner;       /* in the queue of those who wait */
    struct asker asker;
    struct dns_query query;
    uint16_t id;
    uint8_t *message; /* the question as it is sent, behind its length */
    size_t length;    /* with that */
    struct servers servers;
    bool inside; /* asked from the container's network namespace */
    size_t next_try, most_tries;
    unsigned rcode; /* of the answer for when there is no good one */
    int64_t started, due;
    struct attempt *attempts;
};

/* Everybody waits for the same time, so who came first is due first. */
static struct forward *first, *last;
static int timer = -1;

static void set_timer(void)
{
    struct itimerspec when = {0};
    if (first)
        when.it_value = (struct timespec){first->due / 1000, first->due % 1000 * 1000000 + 1};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void leave_queue(struct forward *forward)
{
    *(forward->sooner ? &forward->sooner->later : &first) = forward->later;
    *(forward->later ? &forward->later->sooner : &last) = forward->sooner;
    forward->later = forward->sooner = NULL;
}

static void join_queue(struct forward *forward)
{
    forward->due = loop_now_ms() + STEP_MS;
    forward->sooner = last;
    *(last ? &last->later : &first) = forward;
    last = forward;
    if (first == forward)
        set_timer();
}

/* ---- attempts ---- */

static void end_attempt(struct attempt *attempt)
{
    for (struct attempt **at = &attempt->forward->attempts; *at; at = &(*at)->next)
        if (*at == attempt) {
            *at = attempt->next;
            break;
        }
    loop_remove(attempt->fd);
    close(attempt->fd);
    free(attempt->reply);
    free(attempt);
}

static void free_forward(struct forward *forward)
{
    struct attachment *attachment = forward->asker.attachment;
    while (forward->attempts)
        end_attempt(forward->attempts);
    leave_queue(forward);
    *forward->link = forward->next;
    if (forward->next)
        forward->next->link = forward->link;
    attachment->forward_count--;
    attachment->tcp_forward_count -= forward->asker.client != NULL;
    free(forward->message);
    free(forward);
}

static void on_reply(int fd, uint32_t events, void *data);
static void on_stream(int fd, uint32_t events, void *data);

static bool begin_attempt(struct forward *forward, const struct server *server)
{
    bool stream = forward->asker.client != NULL;
    int netns = forward->inside ? forward->asker.attachment->netns : -1;
    if (forward->inside && netns < 0)
        return false;
    cleanup_close int fd = sockets_make(netns, server->address.ss_family, stream ? SOCK_STREAM : SOCK_DGRAM);
    if (fd < 0 || (connect(fd, (const struct sockaddr *)&server->address, server->size) < 0 && errno != EINPROGRESS))
        return false;
    if (!stream && send(fd, forward->message + 2, forward->length - 2, MSG_NOSIGNAL) < 0)
        return false;
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (!attempt || loop_add(fd, stream ? EPOLLOUT : EPOLLIN, stream ? on_stream : on_reply, attempt) < 0) {
        free(attempt);
        return false;
    }
    *attempt = (struct attempt){.next = forward->attempts, .forward = forward, .fd = steal_fd(&fd)};
    forward->attempts = attempt;
    return true;
}

/* The next server that can be asked at all. */
static bool try_next(struct forward *forward, size_t limit)
{
    while (forward->next_try < limit)
        if (begin_attempt(forward, &forward->servers.items[forward->next_try++ % forward->servers.count]))
            return true;
    return false;
}

/* ---- ends ---- */

/* The asker's buffers and connection may be gone after the answer, so it is the last that is done. */
static void finish(struct forward *forward, const uint8_t *bytes, size_t length)
{
    struct asker asker = forward->asker;
    free_forward(forward);
    sockets_answer(&asker, bytes, length);
}

static void finish_with_code(struct forward *forward, unsigned rcode, bool truncated)
{
    uint8_t bytes[DNS_SMALLEST_UDP];
    struct dns_reply reply;
    dns_begin(&reply, bytes, sizeof bytes, forward->message + 2, &forward->query, rcode);
    if (truncated)
        dns_set_truncated(&reply);
    finish(forward, bytes, dns_end(&reply));
}

/* What this attempt was for did not come of it. */
static void attempt_failed(struct attempt *attempt)
{
    struct forward *forward = attempt->forward;
    end_attempt(attempt);
    if (!try_next(forward, forward->servers.count) && !forward->attempts)
        finish_with_code(forward, forward->rcode, false);
}

static void take_reply(struct attempt *attempt, uint8_t *bytes, size_t length)
{
    struct forward *forward = attempt->forward;
    unsigned rcode = dns_rcode(bytes);
    if (rcode == DNS_SERVFAIL || rcode == DNS_REFUSED) {
        forward->rcode = rcode;
        attempt_failed(attempt);
        return;
    }
    if (!dns_has_question(bytes)) {
        finish_with_code(forward, rcode, false);
        return;
    }
    if (!forward->asker.client && length > forward->query.udp_size) {
        finish_with_code(forward, rcode, true);
        return;
    }
    dns_put16(bytes, forward->query.id);
    bytes[3] |= 0x80; /* recursion is available, whoever does it */
    finish(forward, bytes, length);
}

static void on_reply(int fd, uint32_t events, void *data)
{
    static uint8_t bytes[DNS_LARGEST];
    struct attempt *attempt = data;
    struct forward *forward = attempt->forward;
    (void)events;
    for (;;) {
        ssize_t length = recv(fd, bytes, sizeof bytes, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno != EAGAIN)
            attempt_failed(attempt);
        if (length < 0)
            return;
        /* What is no answer to this question may be forged: the true one is still waited for. */
        if (dns_answers(bytes, (size_t)length, forward->id, forward->message + 2, &forward->query)) {
            take_reply(attempt, bytes, (size_t)length);
            return;
        }
    }
}

static bool send_question(struct attempt *attempt)
{
    struct forward *forward = attempt->forward;
    ssize_t count = send(attempt->fd, forward->message + attempt->sent, forward->length - attempt->sent, MSG_NOSIGNAL);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    attempt->sent += (size_t)count;
    if (attempt->sent == forward->length)
        loop_modify(attempt->fd, EPOLLIN, on_stream, attempt);
    return true;
}

/* Reads a piece: of the length first, then of the answer. False: the connection is of no use any more. */
static bool receive_piece(struct attempt *attempt)
{
    uint8_t *into = attempt->reply ? attempt->reply : attempt->prefix;
    size_t wanted = attempt->reply ? attempt->expected : sizeof attempt->prefix;
    ssize_t count = recv(attempt->fd, into + attempt->received, wanted - attempt->received, 0);
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    attempt->received += (size_t)count;
    if (attempt->reply || attempt->received < sizeof attempt->prefix)
        return true;
    attempt->expected = dns_get16(attempt->prefix);
    attempt->received = 0;
    attempt->reply = attempt->expected >= DNS_HEADER ? malloc(attempt->expected) : NULL;
    return attempt->reply != NULL;
}

static void on_stream(int fd, uint32_t events, void *data)
{
    struct attempt *attempt = data;
    struct forward *forward = attempt->forward;
    (void)fd;
    if (!(attempt->sent < forward->length && !(events & (EPOLLERR | EPOLLHUP)) ? send_question(attempt) : receive_piece(attempt))) {
        attempt_failed(attempt);
        return;
    }
    if (!attempt->reply || attempt->received < attempt->expected)
        return;
    if (!dns_answers(attempt->reply, attempt->expected, forward->id, forward->message + 2, &forward->query)) {
        attempt_failed(attempt);
        return;
    }
    /* It outlives the attempt for as long as it is passed on. */
    cleanup_free uint8_t *reply = attempt->reply;
    attempt->reply = NULL;
    take_reply(attempt, reply, attempt->expected);
}

static void on_timer(int fd, uint32_t events, void *data)
{
    uint64_t times;
    int64_t now = loop_now_ms();
    (void)events, (void)data;
    if (read(fd, &times, sizeof times) < 0 && errno != EAGAIN)
        return;
    while (first && first->due <= now) {
        struct forward *forward = first;
        leave_queue(forward);
        join_queue(forward);
        if (now - forward->started >= TIMEOUT_MS)
            finish_with_code(forward, forward->rcode, false);
        else if (!try_next(forward, forward->most_tries) && !forward->attempts)
            finish_with_code(forward, forward->rcode, false);
    }
    set_timer();
}

/* ---- for the others ---- */

int upstream_begin(struct error *err)
{
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0 || loop_add(timer, EPOLLIN, on_timer, NULL) < 0)
        return fail(err, errno, "make a timer");
    return 0;
}

static struct forward *make_forward(const struct asker *asker, const uint8_t *bytes, size_t length, const struct dns_query *query)
{
    struct forward *forward = calloc(1, sizeof *forward);
    uint8_t *message = forward ? malloc(2 + length) : NULL;
    if (!message || getrandom(&forward->id, sizeof forward->id, 0) != sizeof forward->id) {
        free(message);
        free(forward);
        return NULL;
    }
    dns_put16(message, (uint16_t)length);
    memcpy(message + 2, bytes, length);
    dns_put16(message + 2, forward->id);
    forward->asker = *asker;
    forward->query = *query;
    forward->message = message;
    forward->length = 2 + length;
    forward->rcode = DNS_SERVFAIL;
    forward->started = loop_now_ms();
    return forward;
}

bool upstream_ask(const struct asker *asker, const uint8_t *bytes, size_t length, const struct dns_query *query)
{
    struct attachment *attachment = asker->attachment;
    bool inside = attachment->view.has_servers, stream = asker->client != NULL;
    const struct servers *servers = inside ? &attachment->view.servers : &upstream_servers;
    if (servers->count == 0 || attachment->forward_count >= MOST_FORWARDS || (stream && attachment->tcp_forward_count >= MOST_TCP_FORWARDS))
        return false;
    struct forward *forward = make_forward(asker, bytes, length, query);
    if (!forward)
        return false;
    forward->servers = *servers;
    forward->inside = inside;
    forward->most_tries = servers->count * (stream ? 1 : ROUNDS);
    forward->next = attachment->forwards;
    forward->link = &attachment->forwards;
    if (forward->next)
        forward->next->link = &forward->next;
    attachment->forwards = forward;
    attachment->forward_count++;
    attachment->tcp_forward_count += stream;
    join_queue(forward);
    if (try_next(forward, servers->count))
        return true;
    free_forward(forward);
    return false;
}

void upstream_forget(struct attachment *attachment, const struct client *client)
{
    for (struct forward *forward = attachment->forwards, *next; forward; forward = next) {
        next = forward->next;
        if (!client || forward->asker.client == client)
            free_forward(forward);
    }
}
