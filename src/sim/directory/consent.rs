//! Who has agreed to what: the permissions that an app may use on behalf of people.

/// One agreement. Permissions go by their last part (`SMTP.Send`): the same one is asked for by several resources' names.
#[derive(Debug, Clone)]
struct Consent {
    client_id: String,
    tenant: String,
    /// The sign-in name of the person, or `None` when an administrator agreed for everybody in the tenant.
    person: Option<String>,
    /// In lower case.
    permissions: Vec<String>,
}

impl Consent {
    fn is_of(&self, client_id: &str, tenant: &str) -> bool {
        self.client_id.eq_ignore_ascii_case(client_id) && self.tenant == tenant
    }
}

/// All agreements.
#[derive(Debug, Default)]
pub(super) struct Consents(Vec<Consent>);

impl Consents {
    /// Adds an agreement of one person, or of everybody.
    pub(super) fn add(
        &mut self,
        client_id: &str,
        tenant: &str,
        person: Option<&str>,
        permissions: &[String],
    ) {
        self.0.push(Consent {
            client_id: client_id.to_owned(),
            tenant: tenant.to_owned(),
            person: person.map(str::to_ascii_lowercase),
            permissions: permissions.iter().map(|it| it.to_ascii_lowercase()).collect(),
        });
    }

    /// The person takes theirs back (at myapps.microsoft.com); with `None` an administrator takes everybody's.
    pub(super) fn remove(&mut self, client_id: &str, tenant: &str, person: Option<&str>) {
        self.0.retain(|consent| {
            let theirs = match (person, &consent.person) {
                (None, _) => true,
                (Some(person), Some(of)) => of.eq_ignore_ascii_case(person),
                (Some(_), None) => false,
            };
            !(theirs && consent.is_of(client_id, tenant))
        });
    }

    /// Whether this person's use of this permission is agreed to.
    pub(super) fn covers(&self, client_id: &str, tenant: &str, person: &str, permission: &str) -> bool {
        self.0.iter().any(|consent| {
            let for_them = consent
                .person
                .as_ref()
                .is_none_or(|of| of.eq_ignore_ascii_case(person));
            let named = consent
                .permissions
                .iter()
                .any(|it| it.eq_ignore_ascii_case(permission));
            for_them && named && consent.is_of(client_id, tenant)
        })
    }
}
