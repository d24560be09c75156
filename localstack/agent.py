"""Writes a jar that is a Java agent which does nothing: agent.py JAR.

LocalStack starts DynamoDB Local with an agent that lifts the limit on indexes. It
would have to be downloaded, we need none of it, and a Java runtime alone has no
compiler to make one: so here are the bytes of its only class.
"""

import struct
import sys
import zipfile


def utf8(s):
    return b"\x01" + struct.pack(">H", len(s)) + s.encode()


def ref(i):
    return b"\x07" + struct.pack(">H", i)


# package-less class Agent { public static void premain(String arguments) {} }
pool = [utf8("Agent"), ref(1), utf8("java/lang/Object"), ref(3), utf8("premain"), utf8("(Ljava/lang/String;)V"), utf8("Code")]
code = struct.pack(">HHI", 0, 1, 1) + b"\xb1" + struct.pack(">HH", 0, 0)
agent = b"".join([
    struct.pack(">IHHH", 0xCAFEBABE, 0, 52, len(pool) + 1), *pool,
    struct.pack(">HHHHHH", 0x21, 2, 4, 0, 0, 1),
    struct.pack(">HHHHHI", 0x09, 5, 6, 1, 7, len(code)), code,
    struct.pack(">H", 0),
])
with zipfile.ZipFile(sys.argv[1], "w") as jar:
    jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nPremain-Class: Agent\r\n\r\n")
    jar.writestr("Agent.class", agent)
