# Statements of one table, by hand, through the statements API: a table's Makefile sets TABLE_NAME and PRODUCT and
# includes this file. To deploy everything in order use `hc-flink-gateway deploy pipelines` or shift_left.
#
# Defaults are the local gateway. For Confluent Cloud set STATEMENTS_URL, ORG_ID, ENV_ID, DATABASE_NAME,
# COMPUTE_POOL_ID, FLINK_API_KEY and FLINK_API_SECRET.

STATEMENTS_URL ?= http://127.0.0.1:8094
ORG_ID ?= 00000000-0000-0000-0000-000000000000
ENV_ID ?= env-000000
DATABASE_NAME ?= lkc-000000
COMPUTE_POOL_ID ?= lfcp-000000
FLINK_API_KEY ?= local
FLINK_API_SECRET ?= local
CLUSTER_TYPE ?= dev
REGION ?= usw2

kebab = $(subst _,-,$(TABLE_NAME))
ddl_name = $(CLUSTER_TYPE)-$(REGION)-$(PRODUCT)-ddl-$(kebab)
dml_name = $(CLUSTER_TYPE)-$(REGION)-$(PRODUCT)-dml-$(kebab)
statements = $(STATEMENTS_URL)/sql/v1/organizations/$(ORG_ID)/environments/$(ENV_ID)/statements
# The reply in short, or the error's text; a refused request fails the target.
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
summary = jq 'if .errors then .errors[].detail else {name, phase: .status.phase, detail: .status.detail} end'
curl = curl --fail-with-body --silent --show-error --user "$(FLINK_API_KEY):$(FLINK_API_SECRET)"

define create_statement
jq -n --rawfile sql $(2) --arg name $(1) --arg org $(ORG_ID) --arg env $(ENV_ID) --arg db $(DATABASE_NAME) \
	--arg pool $(COMPUTE_POOL_ID) '{name: $$name, organization_id: $$org, environment_id: $$env, spec: {statement: $$sql, \
	compute_pool_id: $$pool, properties: {"sql.current-catalog": $$env, "sql.current-database": $$db}}}' \
	| $(curl) --json @- $(statements) | $(summary)
endef

define describe_statement
$(curl) $(statements)/$(1) | $(summary)
endef

.PHONY: create_flink_ddl create_flink_dml describe_flink_ddl describe_flink_dml delete_flink_ddl delete_flink_dml

create_flink_ddl:
	@$(call create_statement,$(ddl_name),sql-scripts/ddl.$(TABLE_NAME).sql)

create_flink_dml:
	@$(call create_statement,$(dml_name),sql-scripts/dml.$(TABLE_NAME).sql)

describe_flink_ddl:
	@$(call describe_statement,$(ddl_name))

describe_flink_dml:
	@$(call describe_statement,$(dml_name))

delete_flink_ddl:
	@$(curl) --request DELETE $(statements)/$(ddl_name)

delete_flink_dml:
	@$(curl) --request DELETE $(statements)/$(dml_name)
