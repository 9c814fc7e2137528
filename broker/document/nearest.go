package document

import (
	"slices"
	"strings"
	"unicode"
)

// nearest finds the key or value that was most likely meant: by another common word for it, by containment (cpu,
// vcpu), or by edit distance over codes and Chinese names. It answers nothing rather than something far off: at most
// one edit in three letters, one in two Chinese characters. Ties go to the earlier candidate.
func nearest(given string, candidates []names) (names, bool) {
	word := fold(given)
	if len(word) == 0 || len(word) > 40 {
		return names{}, false
	}
	if meant, ok := synonym(string(word), candidates); ok {
		return meant, true
	}
	best, found, least := names{}, false, 1<<30
	for _, c := range candidates {
		for _, name := range append([]string{c.key}, c.zh...) {
			d := distance(word, fold(name))
			if d < least && alike(word, fold(name), d) {
				best, found, least = c, true, d
			}
		}
	}
	return best, found
}

// alike reports whether a distance is small for the words' lengths.
func alike(a, b []rune, d int) bool {
	longer, shorter := max(len(a), len(b)), min(len(a), len(b))
	if shorter >= 2 && (strings.Contains(string(a), string(b)) || strings.Contains(string(b), string(a))) {
		return 2*shorter >= longer
	}
	if slices.ContainsFunc(b, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return 2*d <= longer
	}
	return 3*d <= longer || d == 1 && shorter >= 2
}

// fold makes words that differ only in case, width or joiners the same.
func fold(s string) []rune {
	var out []rune
	for _, r := range strings.ToLower(s) {
		if r >= '！' && r <= '～' { // full-width forms of ASCII
			r = unicode.ToLower(r - '！' + '!')
		}
		if !strings.ContainsRune("_-./ :", r) {
			out = append(out, r)
		}
	}
	return out
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b, none of them
// touching a place twice (optimal string alignment).
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// synonym knows words people write for a key, which no edit distance would find.
func synonym(word string, candidates []names) (names, bool) {
	for _, s := range synonyms() {
		i := slices.IndexFunc(candidates, func(n names) bool { return n.key == s[0] })
		if i >= 0 && slices.Contains(strings.Fields(s[1]), word) {
			return candidates[i], true
		}
	}
	return names{}, false
}

func synonyms() [][2]string {
	return [][2]string{
		{"form", "type doctype 单据 表单 类别"},
		{"agency", "department unit org organization organisation 单位 部门 申请单位"},
		{"payer", "payby 付款单位 出资单位"},
		{"purpose", "reason description 用途 事由 说明"},
		{"start", "begin from date 起始日期 开通日期"},
		{"months", "term duration length 期限 时长"},
		{"limit", "amount money sum budget 金额 预算"},
		{"kind", "type 资源类型 种类"},
		{"name", "id title 名字"},
		{"quantity", "qty amount number num units 台数 个数"},
		{"vcpu", "cpu cpus core cores vcpus 处理器 cpu核数"},
		{"ram_gib", "memory mem ram memorygb memorygib ramgb 内存gb"},
		{"system_disk_gib", "disk rootdisk systemdisk osdisk 系统盘gb 硬盘"},
		{"image", "os system template 操作系统"},
		{"size_gib", "capacity size gb gib sizegb 大小"},
		{"storage_gib", "disk storage sizegib capacity size gb gib 容量 大小 磁盘"},
		{"memory_gib", "memory mem ram ramgib sizegib capacity gb gib 容量 大小"},
		{"engine", "type db dbms database 类型 数据库"},
		{"standby", "ha replica replicas slave highavailability 高可用 备机"},
		{"class", "type tier volumetype 类型"},
		{"bandwidth_mbps", "bandwidth mbps speed"},
		{"attach", "server attachto host mount 挂载"},
		{"members", "servers backends targets pool 后端"},
		{"port", "listen listener 端口"},
		{"item", "service 科目 项目"},
		{"spec", "specification flavor size 配置"},
		{"requires", "constraints requirements 要求"},
		{"resource", "number 单号"},
	}
}
