package query

import (
	"context"

	"connectrpc.com/connect"
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/store"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// maxAcrossRuns is the most runs of a question about several runs at once.
const maxAcrossRuns = 100

// ListRLEnvAttributes lists the attributes of an environment by path: those that hold
// at an episode, or, without one, those that were logged without.
func (s *Service) ListRLEnvAttributes(
	_ context.Context, request *connect.Request[pb.ListRLEnvAttributesRequest],
) (*connect.Response[pb.ListRLEnvAttributesResponse], error) {
	r := request.Msg
	all, err := s.attributesOfEnvironment(r.GetWorkspace(), r.GetProject(), r.GetRun(), r.GetEnvironment(), r.Episode)
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
	return connect.NewResponse(&pb.ListRLEnvAttributesResponse{Attributes: encodeAttributes(page), ResumeToken: token}), nil
}

// BrowseRLEnvAttributes is ListRLEnvAttributes, one level of paths at a time.
func (s *Service) BrowseRLEnvAttributes(
	_ context.Context, request *connect.Request[pb.BrowseRLEnvAttributesRequest],
) (*connect.Response[pb.BrowseRLEnvAttributesResponse], error) {
	r := request.Msg
	all, err := s.attributesOfEnvironment(r.GetWorkspace(), r.GetProject(), r.GetRun(), r.GetEnvironment(), r.Episode)
	if err != nil {
		return nil, s.failed(err)
	}
	all = pickKinds(all, r.GetAttrFilter().GetKinds())
	directories, page, token, err := browsePage(all, attributePath, attributePath, r.GetDirectory(), r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BrowseRLEnvAttributesResponse{
		Directories: directories, Attributes: encodeAttributes(page), ResumeToken: token,
	}), nil
}

func (s *Service) attributesOfEnvironment(workspace, project, name, environment string, episode *uint64) ([]catalog.Attribute, error) {
	run, err := s.findRun(workspace, project, name)
	if err != nil {
		return nil, err
	}
	envs, err := run.pickEnvironments([]string{environment})
	if err != nil {
		return nil, err
	}
	return run.environmentAttributes(envs[0], episode), nil
}

// ListRLAttributesDefinitions lists the paths and kinds of the attributes of one
// environment or of all, over all episodes.
func (s *Service) ListRLAttributesDefinitions(
	_ context.Context, request *connect.Request[pb.ListRLAttributesDefinitionsRequest],
) (*connect.Response[pb.ListRLAttributesDefinitionsResponse], error) {
	r := request.Msg
	all, err := s.everyEnvironmentAttribute(r.GetWorkspace(), r.GetProject(), []string{r.GetRun()}, r.Environment)
	if err != nil {
		return nil, s.failed(err)
	}
	return listEnvironmentDefinitions(all, r.GetAttrFilter(), r.Limit, r.ResumeToken)
}

// ListRLAttributesDefinitionsAcrossRuns is the same over the environments of
// several runs.
func (s *Service) ListRLAttributesDefinitionsAcrossRuns(
	_ context.Context, request *connect.Request[pb.ListRLAttributesDefinitionsAcrossRunsRequest],
) (*connect.Response[pb.ListRLAttributesDefinitionsResponse], error) {
	r := request.Msg
	all, err := s.everyEnvironmentAttribute(r.GetWorkspace(), r.GetProject(), r.GetRuns(), nil)
	if err != nil {
		return nil, s.failed(err)
	}
	return listEnvironmentDefinitions(all, r.GetAttrFilter(), r.Limit, r.ResumeToken)
}

func listEnvironmentDefinitions(
	all []catalog.Attribute, filter *pb.ListAttrFilter, limit *int64, token *string,
) (*connect.Response[pb.ListRLAttributesDefinitionsResponse], error) {
	all, err := pickNamed(all, filter)
	if err != nil {
		return nil, err
	}
	page, next, err := tokenPage(definitionsOf(all), definitionKey, limit, token)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ListRLAttributesDefinitionsResponse{AttributeDefs: page, ResumeToken: next}), nil
}

// BrowseRLAttributesDefinitions is ListRLAttributesDefinitions, one level at a
// time.
func (s *Service) BrowseRLAttributesDefinitions(
	_ context.Context, request *connect.Request[pb.BrowseRLAttributesDefinitionsRequest],
) (*connect.Response[pb.BrowseRLAttributesDefinitionsResponse], error) {
	r := request.Msg
	all, err := s.everyEnvironmentAttribute(r.GetWorkspace(), r.GetProject(), []string{r.GetRun()}, r.Environment)
	if err != nil {
		return nil, s.failed(err)
	}
	defs := definitionsOf(pickKinds(all, r.GetAttrFilter().GetKinds()))
	directories, page, token, err := browsePage(defs, (*pb.AttributeDef).GetPath, definitionKey, r.GetDirectory(), r.Limit, r.ResumeToken)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.BrowseRLAttributesDefinitionsResponse{
		Directories: directories, AttributeDefs: page, ResumeToken: token,
	}), nil
}

// findAcross finds the runs of a question about several.
func (s *Service) findAcross(workspace, project string, names []string) ([]runPoints, error) {
	if len(names) > maxAcrossRuns {
		return nil, invalid("%d runs were named; at most %d may be", len(names), maxAcrossRuns)
	}
	return s.findRuns(workspace, project, names)
}

func (s *Service) everyEnvironmentAttribute(workspace, project string, names []string, environment *string) ([]catalog.Attribute, error) {
	runs, err := s.findAcross(workspace, project, names)
	if err != nil {
		return nil, err
	}
	var all []catalog.Attribute
	for _, run := range runs {
		envs, err := run.environmentsOr(environment)
		if err != nil {
			return nil, err
		}
		for _, env := range envs {
			all = append(append(all, workedOut(env)...), run.EveryEnvAttribute(env.ID)...)
		}
	}
	return all, nil
}

// environmentsOr gives the environment named, or all.
func (r runPoints) environmentsOr(id *string) ([]store.EnvInfo, error) {
	if id != nil && *id != "" {
		return r.pickEnvironments([]string{*id})
	}
	return r.points.Environments(), nil
}
