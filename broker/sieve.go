package broker

// sieve remembers which ids were seen in a fixed megabyte (a Bloom filter). What it has not seen was not seen; it may
// wrongly know one id in many thousands, with another seed every run: a ghost missed today is found tomorrow. It is made
// of hashes that are stored with the run, so that one that goes on knows what the pages before showed.
type sieve struct {
	seed uint64
	bits []uint64
}

const sieveWords = 1 << 17

func newSieve(seed uint64) sieve { return sieve{seed: seed, bits: make([]uint64, sieveWords)} }

// hash is FNV-1a from a seeded basis, with the finaliser of MurmurHash3, since the last bytes of an id reach only the
// low bits otherwise.
func (s sieve) hash(id string) uint64 {
	h := s.seed ^ 14695981039346656037
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// bitsOf are four bits drawn from one hash by double hashing (Kirsch and Mitzenmacher).
func bitsOf(h uint64) [4]uint64 {
	step := h>>32 | 1
	var at [4]uint64
	for i := range at {
		at[i] = (h + uint64(i)*step) % (sieveWords * 64)
	}
	return at
}

func (s sieve) add(id string) uint64 {
	h := s.hash(id)
	s.put(h)
	return h
}

func (s sieve) put(h uint64) {
	for _, p := range bitsOf(h) {
		s.bits[p/64] |= 1 << (p % 64)
	}
}

func (s sieve) has(id string) bool {
	for _, p := range bitsOf(s.hash(id)) {
		if s.bits[p/64]&(1<<(p%64)) == 0 {
			return false
		}
	}
	return true
}
