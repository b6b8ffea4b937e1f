"""The tables of the whole record, and the guards that keep them true whatever code runs.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Rights of the application's role, table by table; what is not named here it may not touch.
APPEND_ONLY = ("audit_seal", "audit_leaf", "password_history")
# The id, the time and the transaction of an event are the database's to say, not the application's.
AUDIT_EVENT_WRITES = (
    "actor, actor_groups, address, action, outcome, resident_id, subject, "
    "purpose, case_reference, detail, before, after"
)
NEVER_DELETED = (
    "resident",
    "dose",
    "medical_institution",
    "identity_check",
    "ticket",
    "certificate",
    "staff_account",
    "acl_proposal",
    "acl_version",
    "vault_entry",
)
READ_ONLY = ("dose_revision",)
FREE = (
    "resident_name",
    "resident_contact",
    "foreign_resident",
    "resident_note",
    "eligibility",
    "support_measure",
    "passport_details",
    "search_request",
    "staff_session",
    "sign_in_throttle",
    "staff_group",
    "group_membership",
    "acl_grant",
    "terminal_network",
)


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        return "xid8"


def upgrade() -> None:
    create_tables()
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    grant_rights(app_role)
    guard_audit()
    keep_dose_revisions()
    hide_vault(app_role)


def downgrade() -> None:
    msg = "the first migration cannot be taken back: restore a backup instead"
    raise NotImplementedError(msg)


def grant_rights(app_role: str) -> None:
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT ({AUDIT_EVENT_WRITES}) ON audit_event TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(NEVER_DELETED)} TO {app_role}")
    op.execute(f"GRANT SELECT ON {', '.join(READ_ONLY)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(FREE)} TO {app_role}")


def guard_audit() -> None:
    """Rights keep the application out; the trigger keeps the owner out too (measure M14)."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in ("audit_event", "audit_seal", "audit_leaf", "dose_revision"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def keep_dose_revisions() -> None:
    """The old row is kept by the database itself, so no code path can lose a dose."""
    op.execute(
        """
        CREATE FUNCTION keep_dose_revision() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path FROM CURRENT AS $$
        BEGIN
            IF TG_OP <> 'UPDATE' THEN
                RAISE EXCEPTION 'a dose is cancelled, never deleted' USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF NEW.id <> OLD.id OR NEW.resident_id <> OLD.resident_id OR NEW.revision <> OLD.revision + 1 THEN
                RAISE EXCEPTION 'a change to a dose keeps its person and raises its revision by one'
                    USING ERRCODE = 'check_violation';
            END IF;
            INSERT INTO dose_revision (dose_id, revision, resident_id, row, replaced_at)
            VALUES (OLD.id, OLD.revision, OLD.resident_id, to_jsonb(OLD), clock_timestamp());
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_revision BEFORE UPDATE OR DELETE ON dose "
        "FOR EACH ROW EXECUTE FUNCTION keep_dose_revision()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON dose "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def hide_vault(app_role: str) -> None:
    """The application sees the one row that the vault's unit of work names; maintenance is the owner's.

    ``yvax.vault_resident`` holds a resident id, ``yvax.vault_index`` blind indexes in hex, comma-separated,
    ``yvax.vault_work`` is ``load`` or ``rotate``. All are set for one transaction only.
    """
    op.execute("ALTER TABLE vault_entry ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE vault_entry FORCE ROW LEVEL SECURITY")
    resident = "resident_id = nullif(current_setting('yvax.vault_resident', true), '')::bigint"
    index = (
        "encode(blind_index, 'hex') = ANY (string_to_array(current_setting('yvax.vault_index', true), ','))"
    )
    op.execute(
        f"CREATE POLICY one_person ON vault_entry TO {app_role} USING ({resident}) WITH CHECK ({resident})"
    )
    op.execute(f"CREATE POLICY by_number ON vault_entry FOR SELECT TO {app_role} USING ({index})")
    work = "current_setting('yvax.vault_work', true) IN ('load', 'rotate')"
    op.execute(f"CREATE POLICY maintenance ON vault_entry TO CURRENT_USER USING ({work}) WITH CHECK ({work})")


def create_tables() -> None:
    op.create_table(
        "acl_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_acl_version_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acl_version")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "transaction_id", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False
        ),
        sa.Column("event_uuid", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_groups", sa.Text(), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "done",
                "refused",
                "failed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True, comment="what else was acted on, e.g. 'dose:12'"),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("case_reference", sa.Text(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_action_id", "audit_event", ["action", "id"], unique=False)
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor", "id"], unique=False)
    op.create_index(
        "ix_audit_event_case_reference_id",
        "audit_event",
        ["case_reference", "id"],
        unique=False,
        postgresql_where="case_reference IS NOT NULL",
    )
    op.create_index(
        "ix_audit_event_not_done_id",
        "audit_event",
        ["id"],
        unique=False,
        postgresql_where="outcome <> 'done'",
    )
    op.create_index("ix_audit_event_occurred_at", "audit_event", ["occurred_at"], unique=False)
    op.create_index(
        "ix_audit_event_resident_id",
        "audit_event",
        ["resident_id", "id"],
        unique=False,
        postgresql_where="resident_id IS NOT NULL",
    )
    op.create_index("ix_audit_event_transaction_id", "audit_event", ["transaction_id"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "sealed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "horizon", TransactionId(), nullable=False, comment="events of earlier transactions are sealed"
        ),
        sa.Column("leaf_count", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous_chain", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("chain", name=op.f("uq_audit_seal_chain")),
    )
    op.create_table(
        "dose_revision",
        sa.Column("dose_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("dose_id", "revision", name=op.f("pk_dose_revision")),
    )
    op.create_index(op.f("ix_dose_revision_resident_id"), "dose_revision", ["resident_id"], unique=False)
    op.create_table(
        "medical_institution",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False, comment="values.kana.fold_name of the name"),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("code ~ '^[0-9]{10}$'", name=op.f("ck_medical_institution_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medical_institution")),
        sa.UniqueConstraint("code", name=op.f("uq_medical_institution_code")),
    )
    op.create_index(
        op.f("ix_medical_institution_name_key"), "medical_institution", ["name_key"], unique=False
    )
    op.create_table(
        "resident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("atena_number", sa.Text(), nullable=False),
        sa.Column("business_atena_number", sa.Text(), nullable=False),
        sa.Column("household_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_kana", sa.Text(), nullable=True),
        sa.Column("name_alphabet", sa.Text(), nullable=True),
        sa.Column("alias_name", sa.Text(), nullable=True),
        sa.Column("former_name", sa.Text(), nullable=True),
        sa.Column(
            "date_of_birth_written",
            sa.Text(),
            nullable=False,
            comment="YYYY-MM-DD, 00 where the register does not know",
        ),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="only when wholly known"),
        sa.Column(
            "sex",
            sa.Enum("0", "1", "2", name="sex", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("relationship_to_head", sa.Text(), nullable=True),
        sa.Column("became_resident_reason", sa.Text(), nullable=True),
        sa.Column("became_resident_on", sa.Date(), nullable=True),
        sa.Column("became_resident_notified_on", sa.Date(), nullable=True),
        sa.Column("ceased_resident_reason", sa.Text(), nullable=True),
        sa.Column("ceased_resident_on", sa.Date(), nullable=True),
        sa.Column("ceased_resident_notified_on", sa.Date(), nullable=True),
        sa.Column(
            "resident_category",
            sa.Enum(
                "resident",
                "moved_out",
                "deceased",
                "removed",
                "non_registered",
                name="residentcategory",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_foreign_national", sa.Boolean(), nullable=False),
        sa.Column("support_measure_flag", sa.Boolean(), nullable=False),
        sa.Column(
            "register_as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the resident register last confirmed this row",
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "date_of_birth IS NULL OR to_char(date_of_birth, 'YYYY-MM-DD') = date_of_birth_written",
            name=op.f("ck_resident_date_of_birth_agrees"),
        ),
        sa.CheckConstraint(
            "date_of_birth_written ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'",
            name=op.f("ck_resident_date_of_birth_written"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident")),
        sa.UniqueConstraint("atena_number", name=op.f("uq_resident_atena_number")),
        sa.UniqueConstraint("business_atena_number", name=op.f("uq_resident_business_atena_number")),
    )
    op.create_index(
        "ix_resident_date_of_birth_written", "resident", ["date_of_birth_written", "id"], unique=False
    )
    op.create_index(op.f("ix_resident_household_number"), "resident", ["household_number"], unique=False)
    op.create_table(
        "sign_in_throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_throttle")),
    )
    op.create_table(
        "staff_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True, comment="sealed under the key ring"),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True, comment="a code is accepted once"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column(
            "valid_to", sa.Date(), nullable=True, comment="last day of the post or of the contract (M13, M44)"
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'", name=op.f("ck_staff_account_login")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_account")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_account_login")),
    )
    op.create_table(
        "staff_group",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label_ja", sa.Text(), nullable=False),
        sa.Column("label_en", sa.Text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_staff_group")),
    )
    op.create_table(
        "acl_grant",
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_name"], ["staff_group.name"], name=op.f("fk_acl_grant_group_name_staff_group")
        ),
        sa.PrimaryKeyConstraint("group_name", "permission", name=op.f("pk_acl_grant")),
    )
    op.create_table(
        "acl_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'grant') = (permission IS NOT NULL)", name=op.f("ck_acl_proposal_grant_names_permission")
        ),
        sa.CheckConstraint(
            "(kind = 'membership') = (staff_id IS NOT NULL)",
            name=op.f("ck_acl_proposal_membership_names_staff"),
        ),
        sa.CheckConstraint("kind IN ('grant', 'membership')", name=op.f("ck_acl_proposal_kind")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_acl_proposal_second_person")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff_account.id"], name=op.f("fk_acl_proposal_decided_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["group_name"], ["staff_group.name"], name=op.f("fk_acl_proposal_group_name_staff_group")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["staff_account.id"], name=op.f("fk_acl_proposal_proposed_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_acl_proposal_staff_id_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acl_proposal")),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seal_id"], ["audit_seal.id"], name=op.f("fk_audit_leaf_seal_id_audit_seal")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_leaf")),
    )
    op.create_index("uq_audit_leaf_seal_id_position", "audit_leaf", ["seal_id", "position"], unique=True)
    op.create_table(
        "eligibility",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "national_health_insurance",
                "late_elderly_insurance",
                "public_assistance",
                "tax_exempt",
                "physical_disability_certificate",
                name="eligibilitykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "not_held",
                "exempt",
                "taxed",
                "not_filed",
                "unknown",
                name="eligibilitystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("detail", sa.Text(), nullable=True, comment="e.g. grade of the disability certificate"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False, comment="when the source said so"),
        sa.Column("source", sa.Text(), nullable=False, comment="adapter name, or 'staff'"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_eligibility_period")),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_eligibility_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility")),
    )
    op.create_index(
        "ix_eligibility_resident_id_kind", "eligibility", ["resident_id", "kind", "valid_from"], unique=False
    )
    op.create_table(
        "foreign_resident",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("nationality", sa.Text(), nullable=True),
        sa.Column(
            "article_30_45_category",
            sa.Enum(
                "mid_to_long_term",
                "special_permanent",
                "temporary_refuge",
                "provisional_stay",
                "transitional",
                name="foreignresidentcategory",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("residence_status", sa.Text(), nullable=True),
        sa.Column("period_of_stay", sa.Text(), nullable=True),
        sa.Column("residence_card_number", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_foreign_resident_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_foreign_resident")),
    )
    op.create_table(
        "group_membership",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_name"], ["staff_group.name"], name=op.f("fk_group_membership_group_name_staff_group")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_account.id"],
            name=op.f("fk_group_membership_staff_id_staff_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_membership")),
        sa.UniqueConstraint(
            "staff_id",
            "group_name",
            "valid_from",
            name=op.f("uq_group_membership_staff_id_group_name_valid_from"),
        ),
    )
    op.create_index(op.f("ix_group_membership_staff_id"), "group_membership", ["staff_id"], unique=False)
    op.create_table(
        "identity_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "interview_form",
                "counter",
                "institution_list",
                name="identitycheckmethod",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "document",
            sa.Enum(
                "questionnaire_matched",
                "my_number_card",
                "driving_licence",
                "passport",
                "residence_card",
                "insurance_certificate",
                "maternal_handbook",
                "two_other_documents",
                name="identitydocument",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("checked_by", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["checked_by"], ["staff_account.id"], name=op.f("fk_identity_check_checked_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_identity_check_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_check")),
    )
    op.create_index(op.f("ix_identity_check_resident_id"), "identity_check", ["resident_id"], unique=False)
    op.create_table(
        "password_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_account.id"],
            name=op.f("fk_password_history_staff_id_staff_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_history")),
    )
    op.create_index(op.f("ix_password_history_staff_id"), "password_history", ["staff_id"], unique=False)
    op.create_table(
        "resident_contact",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("current_address", sa.Text(), nullable=True),
        sa.Column("address_code", sa.Text(), nullable=True),
        sa.Column("address_town_code", sa.Text(), nullable=True),
        sa.Column("neighbourhood_association", sa.Text(), nullable=True),
        sa.Column("elementary_school_district", sa.Text(), nullable=True),
        sa.Column("junior_high_school_district", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("address_before_moving_in", sa.Text(), nullable=True),
        sa.Column("address_after_moving_out", sa.Text(), nullable=True),
        sa.Column("mailing_address", sa.Text(), nullable=True),
        sa.Column("has_mailing_address", sa.Boolean(), nullable=False),
        sa.Column("address_key", sa.Text(collation="C"), nullable=True, comment="values.kana.fold_address"),
        sa.Column("phone_key", sa.Text(), nullable=True, comment="digits only"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_resident_contact_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_contact")),
    )
    op.create_index(
        "ix_resident_contact_address_key", "resident_contact", ["address_key", "resident_id"], unique=False
    )
    op.create_index("ix_resident_contact_phone_key", "resident_contact", ["phone_key"], unique=False)
    op.create_table(
        "resident_name",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "kanji",
                "kana",
                "alphabet",
                "alias",
                "former",
                name="namekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.Text(collation="C"), nullable=False, comment="values.kana.fold_name of the name"),
        sa.Column("date_of_birth_written", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_resident_name_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_name")),
        sa.UniqueConstraint("resident_id", "kind", "key", name=op.f("uq_resident_name_resident_id_kind_key")),
    )
    op.create_index(
        "ix_resident_name_birth_key", "resident_name", ["date_of_birth_written", "key", "id"], unique=False
    )
    op.create_index("ix_resident_name_key_id", "resident_name", ["key", "id"], unique=False)
    op.create_table(
        "resident_note",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("personal_remarks", sa.Text(), nullable=True),
        sa.Column("follow_up", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["staff_account.id"], name=op.f("fk_resident_note_changed_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_resident_note_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_note")),
    )
    op.create_table(
        "search_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_account.id"],
            name=op.f("fk_search_request_staff_id_staff_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_request")),
    )
    op.create_index(op.f("ix_search_request_requested_at"), "search_request", ["requested_at"], unique=False)
    op.create_index(op.f("ix_search_request_staff_id"), "search_request", ["staff_id"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", postgresql.INET(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_account.id"],
            name=op.f("fk_staff_session_staff_id_staff_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "support_measure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_support_measure_period")),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_support_measure_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_measure")),
    )
    op.create_index(op.f("ix_support_measure_resident_id"), "support_measure", ["resident_id"], unique=False)
    op.create_table(
        "terminal_network",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_name"], ["staff_group.name"], name=op.f("fk_terminal_network_group_name_staff_group")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_network")),
        sa.UniqueConstraint("group_name", "network", name=op.f("uq_terminal_network_group_name_network")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("vaccine", sa.Text(), nullable=False, comment="code of programme.catalogue"),
        sa.Column("ticket_kind", sa.Text(), nullable=False),
        sa.Column("dose_number", sa.SmallInteger(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("ticket_number", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "used",
                "void",
                name="ticketstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("municipality_code ~ '^[0-9]{6}$'", name=op.f("ck_ticket_municipality_code")),
        sa.CheckConstraint("ticket_kind ~ '^[0-9]$'", name=op.f("ck_ticket_ticket_kind")),
        sa.CheckConstraint("ticket_number ~ '^[0-9]{10}$'", name=op.f("ck_ticket_ticket_number")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_ticket_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    op.create_index(op.f("ix_ticket_resident_id"), "ticket", ["resident_id"], unique=False)
    op.create_index("ix_ticket_ticket_number", "ticket", ["ticket_number"], unique=False)
    op.create_index(
        "uq_ticket_line",
        "ticket",
        ["municipality_code", "ticket_number", "vaccine", "ticket_kind", "dose_number"],
        unique=True,
        postgresql_where="state <> 'void'",
    )
    op.create_table(
        "vault_entry",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("blind_index", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_by", sa.Text(), nullable=False, comment="login, or the adapter that brought it"),
        sa.CheckConstraint("octet_length(blind_index) = 32", name=op.f("ck_vault_entry_blind_index")),
        sa.CheckConstraint("octet_length(nonce) = 12", name=op.f("ck_vault_entry_nonce")),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_vault_entry_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_vault_entry")),
        sa.UniqueConstraint("blind_index", name=op.f("uq_vault_entry_blind_index")),
    )
    op.create_index(op.f("ix_vault_entry_key_id"), "vault_entry", ["key_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("certificate_id", sa.Text(), nullable=False),
        sa.Column("certificate_issued_on", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "domestic",
                "travel",
                name="certificatekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "valid", "void", name="certificatestate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("identity_check_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_check_id"],
            ["identity_check.id"],
            name=op.f("fk_certificate_identity_check_id_identity_check"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["staff_account.id"], name=op.f("fk_certificate_recorded_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_certificate_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("certificate_id", name=op.f("uq_certificate_certificate_id")),
    )
    op.create_index(op.f("ix_certificate_resident_id"), "certificate", ["resident_id"], unique=False)
    op.create_table(
        "dose",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "record_group",
            sa.Enum(
                "infant_dose",
                "elderly_dose",
                "covid19",
                name="recordgroup",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("vaccine", sa.Text(), nullable=False, comment="code of programme.catalogue"),
        sa.Column("dose_number", sa.SmallInteger(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column(
            "judgement",
            sa.Enum(
                "given",
                "unfit",
                "deferred",
                "exam_only",
                "declined",
                name="judgement",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "ineligibility_judgement",
            sa.Enum(
                "moved_out",
                "deceased",
                "age",
                "interval",
                "disease_history",
                "already_given",
                "contraindicated",
                "duplicate",
                "not_registered",
                "other",
                name="ineligibilityjudgement",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "dose_category",
            sa.Enum(
                "routine",
                "voluntary",
                "subsidised",
                "temporary",
                name="dosecategory",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "delivery_category",
            sa.Enum(
                "individual",
                "group",
                "wide_area",
                "out_of_prefecture",
                "reimbursement",
                "facility",
                name="deliverycategory",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("medical_institution_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "medical_institution_name",
            sa.Text(),
            nullable=True,
            comment="as received, where no code is known",
        ),
        sa.Column("physician", sa.Text(), nullable=True),
        sa.Column("lot_number", sa.Text(), nullable=True),
        sa.Column("fee", sa.Integer(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column(
            "pneumococcal_type",
            sa.Enum(
                "7",
                "13",
                "15",
                "20",
                "23",
                name="pneumococcaltype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("age_when_given", sa.SmallInteger(), nullable=True, comment="months"),
        sa.Column("age_at_fiscal_year_end", sa.SmallInteger(), nullable=True, comment="months"),
        sa.Column("age_on_reference_date", sa.SmallInteger(), nullable=True, comment="months; elderly only"),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("ticket_number", sa.Text(), nullable=True),
        sa.Column(
            "vaccination_status",
            sa.Enum(
                "done",
                "not_done",
                name="vaccinationstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.Column("vaccine_kind", sa.Text(), nullable=True),
        sa.Column("product_name", sa.Text(), nullable=True),
        sa.Column(
            "alerts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="codes of the alerts that were accepted",
        ),
        sa.Column("alert_reason", sa.Text(), nullable=True),
        sa.Column("identity_check_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "form",
                "file",
                "vrs",
                "municipality",
                "migration",
                name="dosesource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "active", "cancelled", name="dosestate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change_reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "municipality_code IS NULL OR municipality_code ~ '^[0-9]{6}$'",
            name=op.f("ck_dose_municipality_code"),
        ),
        sa.CheckConstraint(
            "state <> 'cancelled' OR change_reason IS NOT NULL", name=op.f("ck_dose_cancelled_with_reason")
        ),
        sa.CheckConstraint(
            "ticket_number IS NULL OR ticket_number ~ '^[0-9]{10}$'", name=op.f("ck_dose_ticket_number")
        ),
        sa.CheckConstraint("dose_number BETWEEN 1 AND 99", name=op.f("ck_dose_dose_number")),
        sa.CheckConstraint("fee IS NULL OR fee >= 0", name=op.f("ck_dose_fee")),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["staff_account.id"], name=op.f("fk_dose_changed_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["identity_check_id"],
            ["identity_check.id"],
            name=op.f("fk_dose_identity_check_id_identity_check"),
        ),
        sa.ForeignKeyConstraint(
            ["medical_institution_id"],
            ["medical_institution.id"],
            name=op.f("fk_dose_medical_institution_id_medical_institution"),
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_dose_resident_id_resident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose")),
    )
    op.create_index("ix_dose_resident_id_given_on", "dose", ["resident_id", "given_on"], unique=False)
    op.create_index(
        "ix_dose_ticket_number",
        "dose",
        ["ticket_number"],
        unique=False,
        postgresql_where="ticket_number IS NOT NULL",
    )
    op.create_index(
        "uq_dose_active",
        "dose",
        ["resident_id", "vaccine", "given_on", "dose_number"],
        unique=True,
        postgresql_where="state = 'active' AND judgement = 'given'",
    )
    op.create_table(
        "passport_details",
        sa.Column("certificate_id", sa.BigInteger(), nullable=False),
        sa.Column("former_surname", sa.Text(), nullable=True),
        sa.Column("other_surname", sa.Text(), nullable=True),
        sa.Column("other_name", sa.Text(), nullable=True),
        sa.Column("roman_name", sa.Text(), nullable=False),
        sa.Column("nationality", sa.Text(), nullable=False),
        sa.Column("passport_number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate.id"],
            name=op.f("fk_passport_details_certificate_id_certificate"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_passport_details")),
    )
