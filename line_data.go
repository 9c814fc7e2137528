package duoyun

// afterDatabase is what a database shall be: a resize changes its processors and memory, growing its storage.
func (l Line) afterDatabase(was DatabaseSpec) (Spec, error) {
	if l.Action == ActionRelease {
		return nil, nil
	}
	asked, ok := l.Spec.(DatabaseSpec)
	kept := keeps(asked.Engine, was.Engine) && keeps(asked.Version, was.Version) && keeps(asked.Standby, was.Standby)
	switch {
	case !ok:
	case l.Action == ActionResize:
		if !kept || !keeps(asked.StorageGiB, was.StorageGiB) {
			return nil, Fail(CodeInvalid, "spec", "变配只能改 vCPU 和内存", "a resize changes vcpu and ram_gib only")
		}
		was.VCPU, was.RAMGiB = asked.VCPU, asked.RAMGiB
		return was, nil
	case l.Action == ActionGrow:
		if !kept || !keeps(asked.VCPU, was.VCPU) || !keeps(asked.RAMGiB, was.RAMGiB) {
			return nil, Fail(CodeInvalid, "spec", "扩容只能改存储容量", "growing changes storage_gib only")
		}
		if asked.StorageGiB <= was.StorageGiB {
			return nil, Fail(CodeInvalid, "spec.storage_gib", "扩容后须大于现有的 %d GiB，收到 %d", "must be above the present %d GiB, not %d", was.StorageGiB, asked.StorageGiB)
		}
		was.StorageGiB = asked.StorageGiB
		return was, nil
	}
	return nil, l.misfit(was)
}

// afterCache is what a cache shall be: a resize changes its memory.
func (l Line) afterCache(was CacheSpec) (Spec, error) {
	if l.Action == ActionRelease {
		return nil, nil
	}
	asked, ok := l.Spec.(CacheSpec)
	if !ok || l.Action != ActionResize {
		return nil, l.misfit(was)
	}
	if !keeps(asked.Version, was.Version) || !keeps(asked.Standby, was.Standby) {
		return nil, Fail(CodeInvalid, "spec", "变配只能改内存", "a resize changes memory_gib only")
	}
	was.MemoryGiB = asked.MemoryGiB
	return was, nil
}

// keeps reports whether a field that an action cannot change was left out or equals what is there.
func keeps[T comparable](asked, was T) bool {
	var leftOut T
	return asked == leftOut || asked == was
}
