// Package scenarios carries the demonstration's scenarios within the binary.
package scenarios

import "embed"

// Suqian 宿迁 is the white paper's case: 61 departments, 153 systems, 146 of them on the cloud.
//
//go:embed suqian
var Suqian embed.FS
