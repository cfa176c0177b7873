//! A certificate authority for this gateway alone. Its key never leaves the data folder, and it can vouch for no name
//! outside of `confluent.cloud`: who trusts it by mistake risks little.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::replace::replace;

/// TLS for `names`, with a certificate made now. The authority is the one of `folder`, made if absent.
pub(super) fn server_config(folder: &Path, names: Vec<String>) -> anyhow::Result<ServerConfig> {
    fs::create_dir_all(folder)?;
    let key = authority_key(&folder.join("ca-key.pem"))?;
    let params = authority_params();
    let authority = params.self_signed(&key)?;
    replace(&folder.join("ca.pem"), authority.pem().as_bytes(), 0o644)?;

    let server_key = KeyPair::generate()?;
    let mut server = CertificateParams::new(names)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "hc-flink-gateway");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&server_key, &Issuer::new(params, key))?;

    let private = PrivateKeyDer::try_from(server_key.serialize_der())
        .map_err(|error| anyhow!("the server's key: {error}"))?;
    Ok(
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?,
    )
}

/// The same every time but for the signature, so that a certificate signed at one start is valid at the next.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Local stand-in for Confluent Cloud");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("confluent.cloud".into())],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn authority_key(path: &Path) -> anyhow::Result<KeyPair> {
    match fs::read_to_string(path) {
        Ok(text) => KeyPair::from_pem(&text)
            .with_context(|| format!("{} is no key; delete it", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            replace(path, key.serialize_pem().as_bytes(), 0o600)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_authority_outlives_a_start_and_its_key_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("ca-key.pem");
        server_config(dir.path(), vec!["api.confluent.cloud".into()]).unwrap();
        let first = fs::read(&key).unwrap();
        server_config(dir.path(), vec!["api.confluent.cloud".into()]).unwrap();
        assert_eq!(fs::read(&key).unwrap(), first);
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(dir.path().join("ca.pem").is_file());
    }
}
