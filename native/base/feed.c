#include "feed.h"

#include "codecs.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BLOCK_SIZE (256 * 1024)
#define BLOCKS 8

struct block {
    size_t length;
    unsigned char bytes[BLOCK_SIZE];
};

struct feed {
    struct feed_source source;
    int stop; /* an eventfd: readable once nobody wants more, even while a body does not come */
    atomic_uint_fast64_t taken;
    uint64_t there; /* how much of a growing file there is */
    bool whole;     /* which is all of it */
    EVP_MD_CTX *hash;
    unsigned char digest[32];

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned filled, emptied; /* blocks so far; the block being read counts as not yet emptied */
    bool reading, ended, failed, stopped;
    struct error err;
    struct block ring[BLOCKS];
};

/* Waits until there is something to read. 0: nobody wants it any more. */
static int wait_for(const struct feed *feed, int fd, struct error *err)
{
    struct pollfd events[] = {{.fd = fd, .events = POLLIN}, {.fd = feed->stop, .events = POLLIN}};
    while (poll(events, 2, -1) < 0)
        if (errno != EINTR)
            return fail(err, errno, "wait for the layer");
    return events[1].revents ? 0 : 1;
}

/* The next line of news: a number of bytes, or "end". */
static int hear(struct feed *feed, struct error *err)
{
    char line[24];
    for (size_t length = 0; length < sizeof line;) {
        int more = wait_for(feed, feed->source.news, err);
        if (more <= 0)
            return more;
        ssize_t count = read(feed->source.news, line + length, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return fail_kind(err, "unavailable", count < 0 ? errno : 0, "whoever brings the layer has gone");
        if (line[length] != '\n') {
            length++;
            continue;
        }
        line[length] = '\0';
        char *end;
        uint64_t there = strtoull(line, &end, 10);
        feed->whole = strcmp(line, "end") == 0;
        if (feed->whole || (line[0] >= '0' && line[0] <= '9' && !*end && there >= feed->there)) {
            feed->there = feed->whole ? feed->there : there;
            return 1;
        }
        break;
    }
    return fail_kind(err, "invalid", 0, "how far the layer is was told in words that make no sense");
}

static ssize_t read_source(void *context, void *bytes, size_t size, struct error *err)
{
    struct feed *feed = context;
    uint64_t taken = atomic_load(&feed->taken);
    int more = 1;
    if (feed->source.news >= 0) {
        while (more > 0 && taken == feed->there && !feed->whole)
            more = hear(feed, err);
        if (feed->there - taken < size)
            size = (size_t)(feed->there - taken);
    }
    ssize_t count = 0;
    while (more > 0 && size > 0) {
        more = wait_for(feed, feed->source.bytes, err);
        count = more > 0 ? read(feed->source.bytes, bytes, size) : 0;
        if (count >= 0 || errno != EINTR)
            break;
    }
    if (more < 0)
        return -1; /* 0: nobody wants more: as if it ended here */
    if (count < 0)
        return fail(err, errno, "read the %s", feed->source.what ?: "layer");
    atomic_fetch_add(&feed->taken, (uint64_t)count);
    return count;
}

/* Waits for room in the ring; NULL when nobody wants more. */
static struct block *next_free(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopped && feed->filled - feed->emptied == BLOCKS)
        pthread_cond_wait(&feed->changed, &feed->lock);
    struct block *block = feed->stopped ? NULL : &feed->ring[feed->filled % BLOCKS];
    pthread_mutex_unlock(&feed->lock);
    return block;
}

static void hand_over(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->filled++;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

static int decompress(struct feed *feed, struct error *err)
{
    struct decoder *decoder;
    TRY(decoder_open((struct compressed){read_source, feed}, &decoder, err));
    ssize_t count = 0;
    for (struct block *block; (block = next_free(feed));) {
        count = decoder_read(decoder, block->bytes, sizeof block->bytes, err);
        if (count <= 0)
            break;
        block->length = (size_t)count;
        if (!feed->source.unhashed)
            EVP_DigestUpdate(feed->hash, block->bytes, block->length);
        hand_over(feed);
    }
    decoder_close(decoder);
    return count < 0 ? -1 : 0;
}

static void *feed_main(void *context)
{
    struct feed *feed = context;
    struct error err = {0};
    int status = decompress(feed, &err);

    pthread_mutex_lock(&feed->lock);
    if (status < 0) {
        feed->failed = true;
        if (strcmp(err.kind, "invalid") == 0)
            fail_kind(&feed->err, "invalid", 0, "the %s cannot be decompressed: %s", feed->source.what ?: "layer", err.message);
        else
            feed->err = err;
    } else {
        EVP_DigestFinal_ex(feed->hash, feed->digest, NULL);
    }
    feed->ended = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

int feed_open(struct feed_source source, struct feed **out, struct error *err)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return fail(err, ENOMEM, "read the layer");
    feed->source = source;
    feed->stop = eventfd(0, EFD_CLOEXEC);
    feed->hash = EVP_MD_CTX_new();
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    int error = feed->stop >= 0 && feed->hash && EVP_DigestInit_ex(feed->hash, EVP_sha256(), NULL) ? 0 : ENOMEM;
    if (error == 0)
        error = pthread_create(&feed->thread, NULL, feed_main, feed);
    if (error != 0) {
        if (feed->stop >= 0)
            close(feed->stop);
        EVP_MD_CTX_free(feed->hash);
        free(feed);
        return fail(err, error, "read the layer");
    }
    *out = feed;
    return 0;
}

ssize_t feed_next(struct feed *feed, const void **bytes, struct error *err)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->reading) {
        feed->emptied++;
        feed->reading = false;
        pthread_cond_broadcast(&feed->changed);
    }
    while (feed->emptied == feed->filled && !feed->ended)
        pthread_cond_wait(&feed->changed, &feed->lock);
    ssize_t count = 0;
    if (feed->emptied != feed->filled) {
        struct block *block = &feed->ring[feed->emptied % BLOCKS];
        feed->reading = true;
        *bytes = block->bytes;
        count = (ssize_t)block->length;
    } else if (feed->failed) {
        *err = feed->err;
        count = -1;
    }
    pthread_mutex_unlock(&feed->lock);
    return count;
}

uint64_t feed_taken(const struct feed *feed)
{
    return atomic_load(&feed->taken);
}

void feed_digest(const struct feed *feed, char digest[72])
{
    char *end = digest + sprintf(digest, "sha256:");
    for (size_t i = 0; i < sizeof feed->digest; i++)
        end += sprintf(end, "%02x", feed->digest[i]);
}

void feed_close(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->stopped = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    eventfd_write(feed->stop, 1);
    pthread_join(feed->thread, NULL);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->changed);
    EVP_MD_CTX_free(feed->hash);
    close(feed->stop);
    free(feed);
}
