package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/wire/pb/common"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

func attributePath(a catalog.Attribute) string { return a.Path }

func encodeAttributes(list []catalog.Attribute) []*common.Attribute {
	var out []*common.Attribute
	for _, a := range list {
		out = append(out, encodeAttribute(a))
	}
	return out
}

// ListAttributes lists the attributes of one run, experiment, directory or
// project by path.
func (s *Service) ListAttributes(
	_ context.Context, request *connect.Request[pb.ListAttributesRequest],
) (*connect.Response[pb.ListAttributesResponse], error) {
	r := request.Msg
	all, err := s.attributesOf(r)
	if err != nil {
		return nil, s.failed(err)
	}
	if all, err = pickNamed(all, r.GetAttrFilter()); err != nil {
		return nil, err
	}
	page, token, err := tokenPage(all, attributePath, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListAttributesResponse{Attributes: encodeAttributes(page), ResumeToken: token}), nil
}

// BrowseAttributes is ListAttributes, one level of paths at a time.
func (s *Service) BrowseAttributes(
	_ context.Context, request *connect.Request[pb.BrowseAttributesRequest],
) (*connect.Response[pb.BrowseAttributesResponse], error) {
	r := request.Msg
	all, err := s.attributesOf(r)
	if err != nil {
		return nil, s.failed(err)
	}
	all = pickKinds(all, r.GetAttrFilter().GetKinds())
	directories, page, token, err := browsePage(all, attributePath, attributePath, r.GetDirectory(), r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BrowseAttributesResponse{
		Directories: directories, Attributes: encodeAttributes(page), ResumeToken: token,
	}), nil
}

func pickNamed(list []catalog.Attribute, f *pb.ListAttrFilter) ([]catalog.Attribute, error) {
	passes, err := attrFilter(f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(a catalog.Attribute) bool { return !passes(a) }), nil
}

func pickKinds(list []catalog.Attribute, kinds []common.AttributeKind) []catalog.Attribute {
	if len(kinds) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(a catalog.Attribute) bool { return !slices.Contains(kinds, common.AttributeKind(a.Value.Kind)) })
}

// attributeSource names what has attributes.
type attributeSource interface {
	GetWorkspace() string
	GetRunSource() *pb.AttrRunSource
	GetExperimentSource() *pb.AttrExperimentSource
	GetDirectorySource() *pb.AttrDirectorySource
	GetProjectSource() *pb.AttrProjectSource
}

func (s *Service) attributesOf(r attributeSource) ([]catalog.Attribute, error) {
	if source := r.GetRunSource(); source != nil {
		run, err := s.findCatalogRun(r.GetWorkspace(), source.GetProject(), source.GetRun())
		if err != nil {
			return nil, err
		}
		return run.Attributes(), nil
	}
	if source := r.GetExperimentSource(); source != nil {
		list, err := s.experiments(r.GetWorkspace(), source.GetProject(), nil)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.name == source.GetExperiment() {
				return e.attributes(), nil
			}
		}
		return nil, notFound("no experiment %q in project %q", source.GetExperiment(), source.GetProject())
	}
	if source := r.GetDirectorySource(); source != nil {
		runs, err := s.projectRuns(r.GetWorkspace(), source.GetProject())
		if err != nil {
			return nil, err
		}
		d := directoryOf(source.GetDirectoryPath(), runs)
		if d.runs == 0 {
			return nil, notFound("no directory %q in project %q", source.GetDirectoryPath(), source.GetProject())
		}
		return d.attributes(), nil
	}
	source := r.GetProjectSource()
	if source == nil {
		return nil, invalid("a source must be given")
	}
	projects, _ := s.catalog.Projects(r.GetWorkspace())
	i := slices.IndexFunc(projects, func(p catalog.Project) bool { return p.Name == source.GetProject() })
	if i < 0 {
		return nil, noProject(r.GetWorkspace(), source.GetProject())
	}
	return projectAttributes(projects[i]), nil
}

// ListAttributesDefinitions lists the paths and kinds that attributes of
// projects, directories, experiments or runs have. One path may have several
// kinds.
func (s *Service) ListAttributesDefinitions(
	_ context.Context, request *connect.Request[pb.ListAttributesDefinitionsRequest],
) (*connect.Response[pb.ListAttributesDefinitionsResponse], error) {
	r := request.Msg
	all, err := s.definedAttributes(r)
	if err != nil {
		return nil, s.failed(err)
	}
	if all, err = pickNamed(all, r.GetAttrFilter()); err != nil {
		return nil, err
	}
	page, token, err := tokenPage(definitionsOf(all), definitionKey, r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListAttributesDefinitionsResponse{AttributeDefs: page, ResumeToken: token}), nil
}

// BrowseAttributesDefinitions is ListAttributesDefinitions, one level at a time.
func (s *Service) BrowseAttributesDefinitions(
	_ context.Context, request *connect.Request[pb.BrowseAttributesDefinitionsRequest],
) (*connect.Response[pb.BrowseAttributesDefinitionsResponse], error) {
	r := request.Msg
	all, err := s.definedAttributes(r)
	if err != nil {
		return nil, s.failed(err)
	}
	defs := definitionsOf(pickKinds(all, r.GetAttrFilter().GetKinds()))
	directories, page, token, err := browsePage(defs, (*pb.AttributeDef).GetPath, definitionKey, r.GetDirectory(), r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BrowseAttributesDefinitionsResponse{
		Directories: directories, AttributeDefs: page, ResumeToken: token,
	}), nil
}

func definitionKey(d *pb.AttributeDef) string {
	return fmt.Sprintf("%s\x00%d", d.GetPath(), d.GetKind())
}

// definitionsOf gives every pair of path and kind once, sorted.
func definitionsOf(list []catalog.Attribute) []*pb.AttributeDef {
	known := make(map[string]bool)
	var defs []*pb.AttributeDef
	for _, a := range list {
		d := &pb.AttributeDef{Path: a.Path, Kind: common.AttributeKind(a.Value.Kind)}
		if key := definitionKey(d); !known[key] {
			known[key] = true
			defs = append(defs, d)
		}
	}
	slices.SortFunc(defs, func(a, b *pb.AttributeDef) int { return strings.Compare(definitionKey(a), definitionKey(b)) })
	return defs
}

// definitionSource says of what attributes are defined.
type definitionSource interface {
	GetWorkspace() string
	GetRunSource() *pb.AttrDefRunSource
	GetExperimentSource() *pb.AttrDefExperimentSource
	GetDirectorySource() *pb.AttrDefDirectorySource
	GetProjectSource() *pb.AttrDefProjectSource
}

// definedAttributes lists the attributes of everything that a source names.
func (s *Service) definedAttributes(r definitionSource) ([]catalog.Attribute, error) {
	switch {
	case r.GetRunSource() != nil:
		return s.runAttributes(r.GetWorkspace(), r.GetRunSource())
	case r.GetExperimentSource() != nil:
		source := r.GetExperimentSource()
		list, err := s.experiments(r.GetWorkspace(), source.GetProject(), nil)
		var all []catalog.Attribute
		for _, e := range list {
			if source.Experiment == nil || e.name == source.GetExperiment() {
				all = append(all, e.attributes()...)
			}
		}
		return all, err
	case r.GetDirectorySource() != nil:
		source := r.GetDirectorySource()
		runs, err := s.projectRuns(r.GetWorkspace(), source.GetProject())
		var all []catalog.Attribute
		for _, d := range directoriesBelow(source.GetDirectoryPath(), runs) {
			all = append(all, d.attributes()...)
		}
		return all, err
	case r.GetProjectSource() != nil:
		projects, found := s.catalog.Projects(r.GetWorkspace())
		if !found {
			return nil, notFound("no workspace %q", r.GetWorkspace())
		}
		var all []catalog.Attribute
		for _, p := range projects {
			if r.GetProjectSource().Project == nil || p.Name == r.GetProjectSource().GetProject() {
				all = append(all, projectAttributes(p)...)
			}
		}
		return all, nil
	}
	return nil, invalid("a source must be given")
}

func (s *Service) runAttributes(workspace string, source *pb.AttrDefRunSource) ([]catalog.Attribute, error) {
	if source.Run != nil {
		run, err := s.findCatalogRun(workspace, source.GetProject(), source.GetRun())
		if err != nil {
			return nil, err
		}
		return run.Attributes(), nil
	}
	keys, err := s.runKeys(workspace, source)
	all := make([]catalog.Attribute, len(keys))
	for i, key := range keys {
		all[i] = catalog.Attribute{Path: key.Path, Value: catalog.Value{Kind: key.Kind}}
	}
	return all, err
}

// runKeys lists the paths and kinds of attributes of a project's runs, or of those of an
// experiment.
func (s *Service) runKeys(workspace string, source *pb.AttrDefRunSource) ([]catalog.AttributeKey, error) {
	if source.Experiment == nil {
		keys, found := s.catalog.AttributeKeys(workspace, source.GetProject())
		if !found {
			return nil, noProject(workspace, source.GetProject())
		}
		return keys, nil
	}
	runs, err := s.projectRuns(workspace, source.GetProject())
	known := make(map[catalog.AttributeKey]bool)
	for _, run := range runs {
		if !inExperiment(run, source.Experiment) {
			continue
		}
		for path, value := range run.EachAttribute {
			known[catalog.AttributeKey{Path: path, Kind: value.Kind}] = true
		}
	}
	return slices.Collect(maps.Keys(known)), err
}

func (s *Service) projectRuns(workspace, project string) ([]*catalog.Run, error) {
	runs, found := s.catalog.Runs(workspace, project)
	if !found {
		return nil, noProject(workspace, project)
	}
	return runs, nil
}

func noProject(workspace, project string) error {
	return notFound("no project %q in workspace %q", project, workspace)
}
