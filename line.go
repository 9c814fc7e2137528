package duoyun

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// existing begins a reference to what runs already: res:宿政云资〔2026〕0042号.
const existing = "res:"

// Resource returns the number of the existing resource the reference names, or false when it names a line.
func (r Reference) Resource() (string, bool) { return strings.CutPrefix(string(r), existing) }

// References lists what the line hangs on: what it is attached to, then its members.
func (l Line) References() []Reference {
	var refs []Reference
	if l.Attach != "" {
		refs = append(refs, l.Attach)
	}
	return append(refs, l.Members...)
}

// Line returns the line of this name.
func (r OrderRequest) Line(name string) (Line, bool) {
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.Name == name })
	if i < 0 {
		return Line{}, false
	}
	return r.Lines[i], true
}

// After is the spec a resource shall have once the line's action is done to it; nil for a release. Fields the line
// leaves out keep their value; a field the action cannot change must equal what is there.
func (l Line) After(before Spec) (Spec, error) {
	switch was := before.(type) {
	case ServerSpec:
		return l.afterServer(was)
	case DatabaseSpec:
		return l.afterDatabase(was)
	case CacheSpec:
		return l.afterCache(was)
	case DiskSpec:
		asked, ok := l.Spec.(DiskSpec)
		if l.Action == ActionGrow && ok {
			if err := grows(was.SizeGiB, asked.SizeGiB, was.Class, asked.Class); err != nil {
				return nil, err
			}
			was.SizeGiB = asked.SizeGiB
			return was, nil
		}
	case BucketSpec:
		asked, ok := l.Spec.(BucketSpec)
		if l.Action == ActionGrow && ok {
			if err := grows(was.SizeGiB, asked.SizeGiB, was.Class, asked.Class); err != nil {
				return nil, err
			}
			was.SizeGiB = asked.SizeGiB
			return was, nil
		}
	}
	if l.Action == ActionRelease && before != nil {
		return nil, nil
	}
	return nil, l.misfit(before)
}

func (l Line) afterServer(was ServerSpec) (Spec, error) {
	switch l.Action {
	case ActionRelease:
		return nil, nil
	case ActionStart, ActionStop:
		was.Stopped = l.Action == ActionStop
		return was, nil
	case ActionResize:
		asked, ok := l.Spec.(ServerSpec)
		if !ok {
			break
		}
		fixed := asked.SystemDiskGiB != 0 && asked.SystemDiskGiB != was.SystemDiskGiB ||
			asked.Image != "" && asked.Image != was.Image || asked.Ports != nil && !slices.Equal(asked.Ports, was.Ports)
		if fixed {
			return nil, Fail(CodeInvalid, "spec", "变配只能改 vCPU 和内存", "a resize changes vcpu and ram_gib only")
		}
		was.VCPU, was.RAMGiB = asked.VCPU, asked.RAMGiB
		return was, nil
	}
	return nil, l.misfit(was)
}

func (l Line) misfit(before Spec) error {
	kind := Kind("")
	if before != nil {
		kind = before.Kind()
	}
	return Fail(CodeInvalid, "action", "该资源（%[2]s）不支持操作 %[1]s", "action %s does not fit a %s", string(l.Action), string(kind))
}

// checkLogin: a server takes a key or a password, a database or cache has a password only.
func (l Line) checkLogin(f *Faults, path string) {
	switch l.Kind {
	case KindServer:
		oneOf(f, path, l.Login, "", "key", "secret")
	case KindDatabase, KindCache:
		oneOf(f, path, l.Login, "secret")
	default:
		refuse(f, path, l.Login, l.Login == "", "只有云主机、云数据库和云缓存写登录方式", "only servers, databases and caches have a login")
	}
}

func grows(was, asked int64, wasClass, askedClass string) error {
	if asked <= was {
		return Fail(CodeInvalid, "spec.size_gib", "扩容后须大于现有的 %d GiB，收到 %d", "must be above the present %d GiB, not %d", was, asked)
	}
	if askedClass != "" && askedClass != wasClass {
		return Fail(CodeInvalid, "spec.class", "扩容不能改变存储类型 %s", "growing does not change the class %s", wasClass)
	}
	return nil
}

type plainLine Line // Line without its methods, so that the JSON package does not call UnmarshalJSON again

// UnmarshalJSON reads a line as stored, its spec by its kind. Documents of users are read by package document.
func (l *Line) UnmarshalJSON(b []byte) error {
	raw := struct {
		*plainLine
		Spec json.RawMessage `json:"spec"`
	}{plainLine: (*plainLine)(l)}
	*l = Line{}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var err error
	l.Spec, err = optionalSpec(l.Kind, raw.Spec)
	return err
}

type plainCut Cut

// MarshalJSON writes the cut with the kind of its spec, without which the spec could not be read again.
func (c Cut) MarshalJSON() ([]byte, error) {
	kind := Kind("")
	if c.Spec != nil {
		kind = c.Spec.Kind()
	}
	return json.Marshal(struct {
		plainCut
		Kind Kind `json:"kind,omitempty"`
	}{plainCut(c), kind})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Cut) UnmarshalJSON(b []byte) error {
	raw := struct {
		*plainCut
		Kind Kind            `json:"kind"`
		Spec json.RawMessage `json:"spec"`
	}{plainCut: (*plainCut)(c)}
	*c = Cut{}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var err error
	c.Spec, err = optionalSpec(raw.Kind, raw.Spec)
	return err
}

func optionalSpec(kind Kind, raw json.RawMessage) (Spec, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	return DecodeSpec(kind, raw)
}

func (r OrderRequest) checkLines(f *Faults) {
	if len(r.Lines) == 0 {
		f.Add("lines", "", "至少要有一行", "an order has at least one line")
		return
	}
	if len(r.Lines) > MaxLines {
		atMost(f, "lines", len(r.Lines), MaxLines)
		return
	}
	first := map[string]int{}
	for i, l := range r.Lines {
		path := fmt.Sprintf("lines[%d]", i)
		lineName(f, path+".name", l.Name)
		if j, twice := first[l.Name]; twice && l.Name != "" {
			f.Add(path+".name", l.Name, fmt.Sprintf("名称重复：与 lines[%d] 相同", j), fmt.Sprintf("the name is taken by lines[%d]", j))
		} else {
			first[l.Name] = i
		}
		if r.Form == FormOpen {
			l.checkOpen(f, path)
		} else {
			l.checkExisting(f, path, r.Form)
		}
	}
	if r.Form == FormOpen {
		r.checkReferences(f, first)
	} else {
		r.checkNumbers(f)
	}
}

func (l Line) checkOpen(f *Faults, path string) {
	switch {
	case l.Kind == KindNetwork:
		f.Add(path+".kind", string(l.Kind), "网络由平台准备，不能申请；请申请地址（address）", "networks are prepared by the platform; ask for addresses")
		return
	case !slices.Contains(Kinds(), l.Kind):
		oneOf(f, path+".kind", string(l.Kind), orderable()...)
		return
	}
	between(f, path+".quantity", l.Quantity, 1, MaxUnits)
	l.checkSpec(f, path)
	l.checkZone(f, path)
	l.checkLogin(f, path+".login")
	refuse(f, path+".attach", string(l.Attach), l.Attach == "" || l.Kind == KindDisk || l.Kind == KindPublicIP,
		"只有云硬盘和公网地址可以挂载", "only disks and public addresses are attached")
	oneOf(f, path+".per", l.Per, "", "each")
	refuse(f, path+".per", l.Per, l.Per == "" || l.Attach != "", "per: each 须与 attach 同用", "per: each goes with attach")
	refuse(f, path+".members", fmt.Sprint(len(l.Members)), len(l.Members) == 0 || l.Kind == KindLoadBalancer,
		"只有负载均衡有成员", "only load balancers have members")
	if l.Kind == KindLoadBalancer && len(l.Members) == 0 {
		f.Add(path+".members", "", "负载均衡须写明成员", "a load balancer names its members")
	}
	refuse(f, path+".resource", l.Resource, l.Resource == "", "新申请不写资源单号；引用已有资源请用 attach: res:单号",
		"an open order names no resource; refer to one by attach: res:number")
	refuse(f, path+".action", string(l.Action), l.Action == "", "新申请不写操作", "an open order has no actions")
}

func (l Line) checkSpec(f *Faults, path string) {
	switch {
	case l.Spec == nil && l.Kind == KindService:
		ServiceSpec{}.Check(path, f)
	case l.Spec == nil:
		f.Add(path+".spec", "", "须写明规格", "an ordered line has a spec")
	case l.Spec.Kind() != l.Kind:
		f.Add(path+".spec", string(l.Spec.Kind()), "规格与资源类型不符", "the spec is not of the line's kind")
	case l.Kind == KindService: // its fields stand on the line itself
		l.Spec.Check(path, f)
	default:
		l.Spec.Check(path+".spec", f)
	}
}

func (l Line) checkZone(f *Faults, path string) {
	switch l.Kind {
	case KindBucket, KindService:
		refuse(f, path+".zone", l.Zone, l.Zone == "", "该类资源不分网络区", "this kind belongs to no zone")
	case KindServer, KindAddress, KindLoadBalancer, KindDatabase, KindCache:
		oneOf(f, path+".zone", l.Zone, Zones()...)
	default:
		oneOf(f, path+".zone", l.Zone, append(Zones(), "")...)
	}
}

// checkExisting checks a line of a change, renewal or release: what is done to which resource.
func (l Line) checkExisting(f *Faults, path string, form Form) {
	if l.Resource == "" {
		f.Add(path+".resource", "", "须写明资源单号", "the line names a resource by its number")
	}
	resourceNumber(f, path+".resource", l.Resource)
	if l.Kind != "" {
		oneOf(f, path+".kind", string(l.Kind), append(orderable(), string(KindNetwork))...)
	}
	if l.Quantity != 1 {
		f.Add(path+".quantity", fmt.Sprint(l.Quantity), "每行一个资源，数量为 1", "one resource a line: the quantity is 1")
	}
	idle := l.Zone == "" && l.Attach == "" && l.Per == "" && len(l.Members) == 0 && l.Login == ""
	refuse(f, path, l.Name, idle, "对已有资源的行只写 resource、action、spec", "a line about an existing resource has resource, action and spec only")
	l.checkAction(f, path, form)
}

func (l Line) checkAction(f *Faults, path string, form Form) {
	switch form {
	case FormRenew:
		refuse(f, path+".action", string(l.Action), l.Action == "", "续期不写操作", "a renewal has no actions")
	case FormRelease:
		oneOf(f, path+".action", string(l.Action), string(ActionRelease))
	case FormChange:
		oneOf(f, path+".action", string(l.Action), string(ActionStart), string(ActionStop), string(ActionResize), string(ActionGrow), string(ActionRelease))
	}
	switch l.Action {
	case ActionResize:
		l.checkResize(f, path+".spec")
	case ActionGrow:
		l.checkGrow(f, path+".spec")
	default:
		refuse(f, path+".spec", string(l.Kind), l.Spec == nil, "只有变配和扩容写规格", "only resize and grow have a spec")
	}
}

func (l Line) checkResize(f *Faults, path string) {
	switch s := l.Spec.(type) {
	case ServerSpec:
		between(f, path+".vcpu", s.VCPU, 1, 256)
		between(f, path+".ram_gib", s.RAMGiB, 1, 4096)
	case DatabaseSpec:
		between(f, path+".vcpu", s.VCPU, 1, 128)
		between(f, path+".ram_gib", s.RAMGiB, 1, 1024)
	case CacheSpec:
		between(f, path+".memory_gib", s.MemoryGiB, 1, 1024)
	default:
		f.Add(path, string(l.Kind), "变配须写明类型 server、database 或 cache 及规格，如 {vcpu: 8, ram_gib: 32}",
			"a resize states kind server, database or cache and a spec, such as {vcpu: 8, ram_gib: 32}")
	}
}

func (l Line) checkGrow(f *Faults, path string) {
	switch s := l.Spec.(type) {
	case DiskSpec:
		between(f, path+".size_gib", s.SizeGiB, 1, 32768)
	case BucketSpec:
		between(f, path+".size_gib", s.SizeGiB, 1, 1<<20)
	case DatabaseSpec:
		between(f, path+".storage_gib", s.StorageGiB, 20, 32768)
	default:
		f.Add(path, string(l.Kind), "扩容须写明类型 disk、bucket 或 database 及规格，如 {size_gib: 1000}",
			"growing states kind disk, bucket or database and a spec, such as {size_gib: 1000}")
	}
}

// checkNumbers refuses two lines about one resource: it has at most one purchase intent under way.
func (r OrderRequest) checkNumbers(f *Faults) {
	first := map[string]int{}
	for i, l := range r.Lines {
		if j, twice := first[l.Resource]; twice && l.Resource != "" {
			f.Add(fmt.Sprintf("lines[%d].resource", i), l.Resource, fmt.Sprintf("资源重复：与 lines[%d] 相同", j),
				fmt.Sprintf("lines[%d] is about the same resource", j))
			continue
		}
		first[l.Resource] = i
	}
}

func orderable() []string {
	var names []string
	for _, k := range Kinds() {
		if k != KindNetwork {
			names = append(names, string(k))
		}
	}
	return names
}

func refuse(f *Faults, path, given string, ok bool, zh, en string) {
	if !ok {
		f.Add(path, given, zh, en)
	}
}

func lineName(f *Faults, path, s string) {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || unicode.Is(unicode.Han, r))
	}
	if n := utf8.RuneCountInString(s); n == 0 || n > 40 || strings.ContainsFunc(s, odd) {
		f.Add(path, s, "名称应为 1 至 40 个小写字母、数字、横线或汉字", "a name is 1 to 40 lower-case letters, digits, dashes or Chinese characters")
	}
}

func resourceNumber(f *Faults, path, s string) {
	if strings.HasPrefix(s, existing) || utf8.RuneCountInString(s) > 60 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		f.Add(path, s, "应为资源单号，如 宿政云资〔2026〕0042号", "must be the number of a resource, such as 宿政云资〔2026〕0042号")
	}
}
