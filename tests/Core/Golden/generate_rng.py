"""Writes rng.json: Rng's numbers from an independent implementation of its documentation.

Keys are SHA-256, numbers xoshiro256**.
"""
import hashlib, json, math, os, struct

M = (1 << 64) - 1
rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & M


class Rng:
    def __init__(self, key):
        self.key, self.s = key, list(struct.unpack('<4Q', key))

    @staticmethod
    def root(seed):
        return Rng(hashlib.sha256(b'RlLeap.Rng' + struct.pack('<q', seed)).digest())

    def split(self, name, index=0):
        return Rng(hashlib.sha256(self.key + name.encode() + b'\xff' + struct.pack('<q', index)).digest())

    def u64(self):
        s = self.s
        r = rotl(s[1] * 5 & M, 7) * 9 & M
        t = s[1] << 17 & M
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return r

    def double(self):
        return (self.u64() >> 11) / (1 << 53)

    def int(self, n):
        p = (self.u64() >> 32) * n
        while (p & 0xFFFFFFFF) < (-n & 0xFFFFFFFF) % n:
            p = (self.u64() >> 32) * n
        return p >> 32

    def normal(self):
        while True:
            x, y = 2 * self.double() - 1, 2 * self.double() - 1
            s = x * x + y * y
            if 0 < s < 1:
                return x * math.sqrt(-2 * math.log(s) / s)


cases = []
for seed in (0, 1, -5, 2**40):
    for path in ([], [('actor', 0)], [('actor', 1)], [('task', 3), ('überraschung', 7)]):

        def node():
            r = Rng.root(seed)
            for n, i in path:
                r = r.split(n, i)
            return r

        a, b, c, d = node(), node(), node(), node()
        cases.append(
            dict(
                seed=seed,
                path=[dict(name=n, index=i) for n, i in path],
                u64=[str(a.u64()) for _ in range(5)],
                double=[b.double() for _ in range(3)],
                ints=[c.int(n) for n in (2, 6, 10, 1000, 3 * 2**29) * 4],
                normal=[d.normal() for _ in range(5)],
            )
        )
json.dump(
    dict(note='made by generate_rng.py; normal deviates agree to 1e-14, all else exactly', cases=cases),
    open(os.path.join(os.path.dirname(__file__), 'rng.json'), 'w'),
    indent=1,
)
