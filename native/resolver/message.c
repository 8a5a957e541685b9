/* resolver/message.c: see message.h. */
#include "message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_QR 0x8000
#define FLAG_OPCODE 0x7800
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_CD 0x0010
#define OPT_SIZE 11
#define LONGEST_NAME 255
#define LONGEST_LABEL 63
#define POINTER_TO_QUESTION 0xc00c

uint16_t dns_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

void dns_put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* ---- reading ---- */

struct reader {
    const uint8_t *bytes;
    size_t length, at;
};

static bool has(const struct reader *reader, size_t count)
{
    return reader->length - reader->at >= count;
}

static bool take16(struct reader *reader, uint16_t *value)
{
    if (!has(reader, 2))
        return false;
    *value = dns_get16(reader->bytes + reader->at);
    reader->at += 2;
    return true;
}

/* The name of the question. Nothing stands before it that a compression pointer could mean, so there is none. */
static bool take_name(struct reader *reader, struct dns_query *query)
{
    size_t start = reader->at, used = 0;
    bool plain = true;
    for (;;) {
        if (!has(reader, 1))
            return false;
        size_t label = reader->bytes[reader->at++];
        if (label > LONGEST_LABEL || !has(reader, label) || reader->at + label - start > LONGEST_NAME)
            return false;
        if (label == 0)
            break;
        if (used > 0)
            query->name[used++] = '.';
        for (size_t i = 0; i < label; i++) {
            uint8_t byte = reader->bytes[reader->at + i];
            /* A dot or a zero inside a label would make another name of it. */
            plain = plain && byte != '.' && byte != '\0';
            query->name[used++] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
        }
        reader->at += label;
        query->labels++;
    }
    query->name[plain ? used : 0] = '\0';
    return true;
}

/* The name of a record behind the question: it is only skipped, and ends with its first pointer. */
static bool skip_name(struct reader *reader)
{
    while (has(reader, 1)) {
        size_t label = reader->bytes[reader->at++];
        if (label == 0)
            return true;
        if (label >= 0xc0) {
            reader->at++;
            return reader->at <= reader->length;
        }
        if (label > LONGEST_LABEL || !has(reader, label))
            return false;
        reader->at += label;
    }
    return false;
}

/* One additional record; the only one that means something to us is EDNS's. */
static bool take_additional(struct reader *reader, struct dns_query *query, unsigned *version)
{
    size_t start = reader->at;
    uint16_t type, class, high, low, length;
    if (!skip_name(reader) || !take16(reader, &type) || !take16(reader, &class) || !take16(reader, &high) || !take16(reader, &low) ||
        !take16(reader, &length) || !has(reader, length))
        return false;
    reader->at += length;
    if (type != DNS_OPT)
        return true;
    if (query->edns || reader->bytes[start] != 0)
        return false;
    query->edns = true;
    *version = high & 0xff;
    query->udp_size = class < DNS_SMALLEST_UDP ? DNS_SMALLEST_UDP : class > DNS_LARGEST_UDP ? DNS_LARGEST_UDP : class;
    return true;
}

int dns_parse(const uint8_t *bytes, size_t length, struct dns_query *query)
{
    struct reader reader = {bytes, length, DNS_HEADER};
    unsigned version = 0;
    *query = (struct dns_query){.question_end = DNS_HEADER, .udp_size = DNS_SMALLEST_UDP};
    if (length < DNS_HEADER)
        return -1;
    query->id = dns_get16(bytes);
    query->flags = dns_get16(bytes + 2);
    if (query->flags & FLAG_QR)
        return -1; /* an answer: answering it could go round for ever */
    if (query->flags & FLAG_OPCODE)
        return DNS_NOTIMP;
    if (dns_get16(bytes + 4) != 1 || dns_get16(bytes + 6) != 0 || dns_get16(bytes + 8) != 0)
        return DNS_FORMERR;
    if (!take_name(&reader, query) || !take16(&reader, &query->type) || !take16(&reader, &query->class)) {
        query->name[0] = '\0';
        return DNS_FORMERR;
    }
    query->question_end = reader.at;
    for (unsigned i = dns_get16(bytes + 10); i > 0; i--)
        if (!take_additional(&reader, query, &version))
            return DNS_FORMERR;
    if (reader.at != length)
        return DNS_FORMERR;
    return version == 0 ? DNS_NOERROR : DNS_BADVERS;
}

/* ---- building ---- */

void dns_begin(struct dns_reply *reply, uint8_t *bytes, size_t limit, const uint8_t *message, const struct dns_query *query, unsigned rcode)
{
    bool question = query->question_end > DNS_HEADER;
    uint16_t flags = (uint16_t)(FLAG_QR | FLAG_RA | (query->flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD)) | (rcode & 0xf));
    *reply = (struct dns_reply){.bytes = bytes, .limit = limit, .rcode = rcode, .edns = query->edns, .length = query->question_end};
    memset(bytes, 0, DNS_HEADER);
    dns_put16(bytes, query->id);
    dns_put16(bytes + 2, flags);
    dns_put16(bytes + 4, question);
    if (question)
        memcpy(bytes + DNS_HEADER, message + DNS_HEADER, query->question_end - DNS_HEADER);
}

void dns_set_truncated(struct dns_reply *reply)
{
    reply->bytes[2] |= FLAG_TC >> 8;
}

/* Owner, type, class, time to live and length of a record; the data follows. NULL: there is no room for it. */
static uint8_t *begin_record(struct dns_reply *reply, uint16_t type, size_t length)
{
    size_t end = reply->length + 12 + length + (reply->edns ? OPT_SIZE : 0);
    if (end > reply->limit) {
        dns_set_truncated(reply);
        return NULL;
    }
    uint8_t *at = reply->bytes + reply->length;
    dns_put16(at, POINTER_TO_QUESTION);
    dns_put16(at + 2, type);
    dns_put16(at + 4, DNS_IN);
    dns_put16(at + 6, 0);
    dns_put16(at + 8, DNS_TTL);
    dns_put16(at + 10, (uint16_t)length);
    reply->length += 12 + length;
    dns_put16(reply->bytes + 6, (uint16_t)++reply->answers);
    return at + 12;
}

bool dns_add_address(struct dns_reply *reply, const struct address *address)
{
    size_t size = address_size(address);
    uint8_t *data = begin_record(reply, address->family == AF_INET ? DNS_A : DNS_AAAA, size);
    if (data)
        memcpy(data, address->bytes, size);
    return data != NULL;
}

bool dns_encodable(const char *name)
{
    size_t label = 0, length = strlen(name);
    if (length == 0 || length > LONGEST_NAME - 2)
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (name[i] != '.' && name[i] != '\0') {
            label++;
            continue;
        }
        if (label == 0 || label > LONGEST_LABEL)
            return false;
        label = 0;
    }
    return true;
}

bool dns_add_pointer(struct dns_reply *reply, const char *name)
{
    uint8_t *data = begin_record(reply, DNS_PTR, strlen(name) + 2);
    if (!data)
        return false;
    for (const char *label = name; label;) {
        const char *dot = strchr(label, '.');
        size_t length = dot ? (size_t)(dot - label) : strlen(label);
        *data++ = (uint8_t)length;
        memcpy(data, label, length);
        data += length;
        label = dot ? dot + 1 : NULL;
    }
    *data = 0;
    return true;
}

size_t dns_end(struct dns_reply *reply)
{
    if (!reply->edns)
        return reply->length;
    uint8_t *opt = reply->bytes + reply->length;
    memset(opt, 0, OPT_SIZE);
    dns_put16(opt + 1, DNS_OPT);
    dns_put16(opt + 3, DNS_LARGEST_UDP);
    opt[5] = (uint8_t)(reply->rcode >> 4);
    dns_put16(reply->bytes + 10, 1);
    reply->length += OPT_SIZE;
    return reply->length;
}

/* ---- what comes from upstream ---- */

unsigned dns_rcode(const uint8_t *reply)
{
    return reply[3] & 0xf;
}

bool dns_has_question(const uint8_t *reply)
{
    return dns_get16(reply + 4) == 1;
}

bool dns_answers(const uint8_t *reply, size_t length, uint16_t id, const uint8_t *message, const struct dns_query *query)
{
    if (length < DNS_HEADER || dns_get16(reply) != id || !(dns_get16(reply + 2) & FLAG_QR))
        return false;
    if (dns_get16(reply + 4) == 0)
        return dns_rcode(reply) != DNS_NOERROR && dns_rcode(reply) != DNS_NXDOMAIN;
    if (!dns_has_question(reply) || length < query->question_end)
        return false;
    size_t fixed = query->question_end - 4;
    /* A label's length is less than any letter, so all of the name can be compared as if it were letters. */
    for (size_t i = DNS_HEADER; i < fixed; i++)
        if (tolower(reply[i]) != tolower(message[i]))
            return false;
    return memcmp(reply + fixed, message + fixed, 4) == 0;
}

/* ---- addresses as names ---- */

static bool reverse_v4(const char *name, size_t length, struct address *address)
{
    unsigned parts[4];
    int used = -1;
    char text[16];
    if (length >= sizeof text)
        return false;
    memcpy(text, name, length);
    text[length] = '\0';
    for (const char *at = text; *at; at++)
        if (!isdigit((unsigned char)*at) && *at != '.')
            return false;
    if (sscanf(text, "%3u.%3u.%3u.%3u%n", &parts[3], &parts[2], &parts[1], &parts[0], &used) != 4 || used != (int)length)
        return false;
    address->family = AF_INET;
    for (int i = 0; i < 4; i++) {
        if (parts[i] > 255)
            return false;
        address->bytes[i] = (uint8_t)parts[i];
    }
    return true;
}

static bool reverse_v6(const char *name, size_t length, struct address *address)
{
    if (length != 63)
        return false;
    address->family = AF_INET6;
    for (int i = 0; i < 32; i++) {
        const char *digit = name + 62 - 2 * i;
        if (!isxdigit((unsigned char)*digit) || (i > 0 && digit[1] != '.'))
            return false;
        unsigned value = (unsigned)(isdigit((unsigned char)*digit) ? *digit - '0' : tolower(*digit) - 'a' + 10);
        address->bytes[i / 2] = (uint8_t)(address->bytes[i / 2] << 4 | value);
    }
    return true;
}

bool dns_reverse_address(const char *name, struct address *address)
{
    static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa";
    size_t length = strlen(name);
    *address = (struct address){0};
    if (length > sizeof v4 - 1 && strcmp(name + length - (sizeof v4 - 1), v4) == 0)
        return reverse_v4(name, length - (sizeof v4 - 1), address);
    if (length > sizeof v6 - 1 && strcmp(name + length - (sizeof v6 - 1), v6) == 0)
        return reverse_v6(name, length - (sizeof v6 - 1), address);
    return false;
}
