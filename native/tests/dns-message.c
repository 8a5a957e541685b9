/* tests/dns-message.c: queries as clients send them, cut short, bent and made of random bytes; the sanitizers watch every read and write. */
#include "../resolver/message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(const char *what, bool right)
{
    if (right)
        return;
    failures++;
    fprintf(stderr, "%s\n", what);
}

/* Header with the given counts; QR, opcode and the rest in `flags`. */
static size_t header(uint8_t *bytes, uint16_t flags, uint16_t questions, uint16_t answers, uint16_t additional)
{
    uint16_t fields[6] = {0x1234, flags, questions, answers, 0, additional};
    for (int i = 0; i < 6; i++)
        dns_put16(bytes + 2 * i, fields[i]);
    return DNS_HEADER;
}

static size_t question(uint8_t *bytes, size_t at, const char *encoded, size_t length, uint16_t type)
{
    memcpy(bytes + at, encoded, length);
    dns_put16(bytes + at + length, type);
    dns_put16(bytes + at + length + 2, DNS_IN);
    return at + length + 4;
}

static size_t opt(uint8_t *bytes, size_t at, uint16_t size, uint8_t version)
{
    uint8_t record[11] = {0, 0, DNS_OPT, (uint8_t)(size >> 8), (uint8_t)size, 0, version, 0, 0, 0, 0};
    memcpy(bytes + at, record, sizeof record);
    return at + sizeof record;
}

/* On memory exactly as large as the message, so that the sanitizer sees one byte too many. */
static int parse(const uint8_t *bytes, size_t length, struct dns_query *query)
{
    uint8_t *copy = malloc(length ? length : 1), room[DNS_SMALLEST_UDP];
    memcpy(copy, bytes, length);
    int code = dns_parse(copy, length, query);
    if (code >= 0) {
        struct dns_reply reply;
        struct address address = {.family = AF_INET6};
        uint8_t *exact = malloc(DNS_SMALLEST_UDP);
        dns_begin(&reply, exact, DNS_SMALLEST_UDP, copy, query, (unsigned)code);
        while (query->question_end > DNS_HEADER && dns_add_address(&reply, &address))
            continue;
        size_t built = dns_end(&reply);
        check("an answer is no larger than allowed", built <= DNS_SMALLEST_UDP && built >= DNS_HEADER);
        memcpy(room, exact, built);
        check("an answer is one", (room[2] & 0x80) != 0 && dns_get16(room) == query->id);
        check("an answer answers its question", query->question_end == DNS_HEADER || dns_answers(room, built, query->id, copy, query));
        dns_answers(copy, length, query->id, copy, query);
        free(exact);
    }
    check("a name ends", memchr(query->name, '\0', sizeof query->name) != NULL);
    free(copy);
    return code;
}

static void reads_plain_queries(void)
{
    uint8_t bytes[600];
    struct dns_query query;
    size_t end = question(bytes, header(bytes, 0x0100, 1, 0, 0), "\3WeB\5MyNet", 11, DNS_A);
    check("a plain query", parse(bytes, end, &query) == DNS_NOERROR);
    check("its name is lower case", strcmp(query.name, "web.mynet") == 0 && query.labels == 2);
    check("its type", query.type == DNS_A && query.class == DNS_IN && query.udp_size == 512 && !query.edns);
    for (size_t cut = 0; cut < end; cut++)
        check("a query that is cut short", parse(bytes, cut, &query) == (cut < DNS_HEADER ? -1 : DNS_FORMERR));
    check("bytes behind it", parse(bytes, end + 1, &query) == DNS_FORMERR);
    end = question(bytes, header(bytes, 0, 1, 0, 0), "", 1, 2);
    check("the root", parse(bytes, end, &query) == DNS_NOERROR && query.name[0] == '\0' && query.labels == 0);
    end = question(bytes, header(bytes, 0, 1, 0, 0), "\3a.b", 5, DNS_A);
    check("a dot in a label is no dot between labels", parse(bytes, end, &query) == DNS_NOERROR && query.name[0] == '\0' && query.labels == 1);
}

static void reads_edns(void)
{
    uint8_t bytes[600];
    struct dns_query query;
    size_t base = question(bytes, header(bytes, 0, 1, 0, 1), "\1a", 3, DNS_A);
    check("EDNS", parse(bytes, opt(bytes, base, 1232, 0), &query) == DNS_NOERROR && query.edns && query.udp_size == 1232);
    check("EDNS of a giant", parse(bytes, opt(bytes, base, 65535, 0), &query) == DNS_NOERROR && query.udp_size == 4096);
    check("EDNS of a dwarf", parse(bytes, opt(bytes, base, 1, 0), &query) == DNS_NOERROR && query.udp_size == 512);
    check("EDNS of a later version", parse(bytes, opt(bytes, base, 1232, 1), &query) == DNS_BADVERS);
    for (size_t cut = base; cut < base + 11; cut++)
        check("EDNS that is cut short", parse(bytes, cut, &query) == DNS_FORMERR);
    dns_put16(bytes + 10, 2);
    check("EDNS twice", parse(bytes, opt(bytes, opt(bytes, base, 512, 0), 512, 0), &query) == DNS_FORMERR);
    bytes[base + 9] = 0xff;
    check("EDNS that is longer than the message", parse(bytes, base + 22, &query) == DNS_FORMERR);
}

static void refuses_what_is_bent(void)
{
    uint8_t bytes[600];
    struct dns_query query;
    size_t end = question(bytes, header(bytes, 0x8000, 1, 0, 0), "\1a", 3, DNS_A);
    check("an answer is not answered", parse(bytes, end, &query) == -1);
    header(bytes, 0x2800, 1, 0, 0);
    check("an update", parse(bytes, end, &query) == DNS_NOTIMP);
    header(bytes, 0, 2, 0, 0);
    check("two questions", parse(bytes, end, &query) == DNS_FORMERR);
    header(bytes, 0, 0, 0, 0);
    check("no question", parse(bytes, end, &query) == DNS_FORMERR);
    header(bytes, 0, 1, 1, 0);
    check("an answer along with it", parse(bytes, end, &query) == DNS_FORMERR);
    header(bytes, 0, 1, 0, 65535);
    check("records that are not there", parse(bytes, end, &query) == DNS_FORMERR);
    end = question(bytes, header(bytes, 0, 1, 0, 0), "\xc0\x0c", 2, DNS_A);
    check("a name that points at itself", parse(bytes, end, &query) == DNS_FORMERR);
    header(bytes, 0, 1, 0, 0);
    size_t at = DNS_HEADER;
    for (int i = 0; i < 4; i++, at += 64) {
        bytes[at] = 63;
        memset(bytes + at + 1, 'a', 63);
    }
    end = question(bytes, at, "", 1, DNS_A);
    check("a name of 257 bytes", parse(bytes, end, &query) == DNS_FORMERR);
    bytes[DNS_HEADER + 192] = 61;
    end = question(bytes, DNS_HEADER + 192 + 62, "", 1, DNS_A);
    check("a name of 255 bytes", parse(bytes, end, &query) == DNS_NOERROR && strlen(query.name) == 253);
}

static void tells_replies_apart(void)
{
    uint8_t message[64], reply[64];
    struct dns_query query;
    size_t end = question(message, header(message, 0x0100, 1, 0, 0), "\3web", 5, DNS_A);
    parse(message, end, &query);
    memcpy(reply, message, end);
    check("a query is no reply", !dns_answers(reply, end, 0x1234, message, &query));
    reply[2] |= 0x80;
    check("a reply", dns_answers(reply, end, 0x1234, message, &query));
    check("with another id", !dns_answers(reply, end, 0x1235, message, &query));
    check("cut short", !dns_answers(reply, end - 1, 0x1234, message, &query));
    reply[13] = 'W';
    check("in other letters", dns_answers(reply, end, 0x1234, message, &query));
    reply[13] = 'x';
    check("to another name", !dns_answers(reply, end, 0x1234, message, &query));
    reply[13] = 'w';
    reply[end - 3] = DNS_AAAA;
    check("to another type", !dns_answers(reply, end, 0x1234, message, &query));
    dns_put16(reply + 4, 0);
    check("to nothing, without a reason", !dns_answers(reply, DNS_HEADER, 0x1234, message, &query));
    reply[3] = DNS_FORMERR;
    check("to nothing, which could not be read", dns_answers(reply, DNS_HEADER, 0x1234, message, &query));
}

static void knows_names_of_addresses(void)
{
    struct address address;
    uint8_t v6[16];
    inet_pton(AF_INET6, "fd00::2", v6);
    check("in-addr.arpa", dns_reverse_address("2.0.18.172.in-addr.arpa", &address) && address.family == AF_INET &&
                              memcmp(address.bytes, "\xac\x12\0\2", 4) == 0);
    check("ip6.arpa", dns_reverse_address("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", &address) &&
                          address.family == AF_INET6 && memcmp(address.bytes, v6, 16) == 0);
    const char *others[] = {"in-addr.arpa", "1.2.3.in-addr.arpa", "1.2.3.4.5.in-addr.arpa", "256.1.1.1.in-addr.arpa", "-1.1.1.1.in-addr.arpa",
                            "1.1.1.1.in-addr.arpa.x", "0001.1.1.1.in-addr.arpa", "1.ip6.arpa", ".in-addr.arpa", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check(others[i], !dns_reverse_address(others[i], &address));
    check("names that can be written", dns_encodable("web") && dns_encodable("a.b_c-d") && !dns_encodable("") && !dns_encodable("a..b") &&
                                           !dns_encodable("a.") && !dns_encodable("0123456789012345678901234567890123456789012345678901234567890123"));
}

static void writes_pointers(void)
{
    uint8_t message[64], room[512];
    struct dns_query query;
    struct dns_reply reply;
    size_t end = question(message, header(message, 0, 1, 0, 0), "\3web", 5, DNS_PTR);
    parse(message, end, &query);
    dns_begin(&reply, room, sizeof room, message, &query, DNS_NOERROR);
    check("a pointer", dns_add_pointer(&reply, "web.mynet") && dns_end(&reply) == end + 12 + 11);
    check("its name", memcmp(room + end + 12, "\3web\5mynet", 11) == 0);
}

/* Random bytes, and queries with a few bytes exchanged for random ones: whatever they are, nothing beyond them is read. */
static void survives_noise(void)
{
    uint8_t bytes[600];
    struct dns_query query;
    struct address address;
    srand(4711);
    for (int round = 0; round < 300000; round++) {
        size_t length = (size_t)rand() % (round % 10 == 0 ? sizeof bytes : 64);
        if (round % 2) {
            length = question(bytes, header(bytes, 0x0100, 1, 0, 1), "\3web\5mynet\4test", 16, DNS_AAAA);
            length = opt(bytes, length, 1232, 0);
            for (int i = rand() % 4; i >= 0; i--)
                bytes[(size_t)rand() % length] = (uint8_t)rand();
            if (rand() % 4 == 0)
                length = (size_t)rand() % (length + 1);
        } else {
            for (size_t i = 0; i < length; i++)
                bytes[i] = (uint8_t)(rand() % 3 ? rand() : rand() % 4);
        }
        parse(bytes, length, &query);
        dns_reverse_address(query.name, &address);
    }
}

int main(void)
{
    reads_plain_queries();
    reads_edns();
    refuses_what_is_bent();
    tells_replies_apart();
    knows_names_of_addresses();
    writes_pointers();
    survives_noise();
    if (failures)
        fprintf(stderr, "%d failed\n", failures);
    return failures > 0;
}
