//go:build bench || openstack

package main

// cloudNames are the clouds that a scenario's pools are bought from.
func (s *scenario) cloudNames() []string {
	var all []string
	for _, p := range s.Pools {
		if p.Cloud != "" {
			all = append(all, p.Cloud)
		}
	}
	return all
}
