package healthcare.connect;

import io.apicurio.registry.resolver.ParsedSchema;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.resolver.strategy.ArtifactReferenceResolverStrategy;
import io.apicurio.registry.serde.data.KafkaSerdeRecord;

/**
 * Names a subject {@code <topic>-key} or {@code <topic>-value}, as Confluent does, and puts
 * {@code :SCHEMA_SUBJECT_PREFIX:} in front when that variable is set. The prefix is part of the subject's name and not
 * of the registry's address: Confluent reads it as a context, Apicurio keeps it as text, and both list the same subject.
 */
public class PrefixTopicIdStrategy<T> implements ArtifactReferenceResolverStrategy<T, Object> {
  private final String prefix = prefix(System.getenv("SCHEMA_SUBJECT_PREFIX"));

  @Override
  public ArtifactReference artifactReference(Record<Object> data, ParsedSchema<T> schema) {
    KafkaSerdeRecord<Object> record = (KafkaSerdeRecord<Object>) data;
    String side = record.metadata().isKey() ? "-key" : "-value";
    return ArtifactReference.builder()
        .groupId(null)
        .artifactId(prefix + record.metadata().getTopic() + side)
        .build();
  }

  /** The name alone decides; the converter need not parse a schema first. */
  @Override
  public boolean loadSchema() {
    return false;
  }

  private static String prefix(String configured) {
    return configured == null || configured.isBlank() ? "" : ":" + configured.strip() + ":";
  }
}
